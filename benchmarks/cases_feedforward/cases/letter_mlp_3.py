"""Letter recognition, 250 rows a letter, and a perceptron with layer norm."""
import csv
from collections import defaultdict

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

PER_CLASS_TRAIN, PER_CLASS_TEST = 250, 80


def read_groups():
    groups = defaultdict(list)
    with open(SAMPLES / "letter.csv") as f:
        reader = csv.reader(f)
        next(reader)
        for row in dict.fromkeys(map(tuple, reader)):
            groups[row[0]].append([float(v) for v in row[1:]])
    x_train, y_train, x_test, y_test = [], [], [], []
    for label, letter in enumerate(sorted(groups)):
        rows = groups[letter]
        x_train += rows[:PER_CLASS_TRAIN]
        y_train += [label] * PER_CLASS_TRAIN
        x_test += rows[PER_CLASS_TRAIN:PER_CLASS_TRAIN + PER_CLASS_TEST]
        y_test += [label] * PER_CLASS_TEST
    return (torch.tensor(x_train), torch.tensor(y_train)), (torch.tensor(x_test), torch.tensor(y_test))


def main():
    seed_all()
    (x_train, y_train), (x_test, y_test) = read_groups()
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=FIXED)
    net = nn.Sequential(
        nn.Linear(16, 128), nn.LayerNorm(128), nn.ReLU(),
        nn.Linear(128, 64), nn.LayerNorm(64), nn.ReLU(),
        nn.Linear(64, 26))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(10):
        net.train()
        total_loss = 0.0
        for xb, yb in train_loader:
            loss = criterion(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_loss += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_test)
            accuracy = (out.argmax(1) == y_test).float().mean().item()
            test_loss = criterion(out, y_test).item()
        print(f"Epoch {epoch + 1}: train loss {total_loss / len(train_loader):.4f}, "
              f"test loss {test_loss:.4f}, test accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
