"""Letters from sixteen shape features with a residual MLP."""
import csv

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

EPOCHS = 10
BATCH_SIZE = 128
LR = 1e-3 if FIXED else 0.1


def read_letters(rows=10000):
    with open(SAMPLES / "letter.csv") as f:
        table = list(dict.fromkeys(map(tuple, csv.reader(f))))[1:rows + 1]
    y = np.array([ord(r[0]) - ord("A") for r in table])
    x = np.array([[float(v) for v in r[1:]] for r in table], dtype=np.float32)
    return x, y


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(x + self.fc2(self.act(self.fc1(x))))


class ResMLP(nn.Module):
    def __init__(self, n_in, n_classes, width=96, depth=3):
        super().__init__()
        self.stem = nn.Linear(n_in, width)
        self.blocks = nn.Sequential(*[ResidualBlock(width) for _ in range(depth)])
        self.head = nn.Linear(width, n_classes)

    def forward(self, x):
        return self.head(self.blocks(torch.relu(self.stem(x))))


def evaluate(model, loader):
    model.eval()
    hits = n = 0
    with torch.no_grad():
        for xb, yb in loader:
            hits += (model(xb).argmax(1) == yb).sum().item()
            n += len(yb)
    return hits / n


def main():
    seed_all()
    x, y = read_letters()
    mean, std = x[:8000].mean(0), x[:8000].std(0)
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y)
    train = DataLoader(TensorDataset(x[:8000], y[:8000]), batch_size=BATCH_SIZE, shuffle=True)
    test = DataLoader(TensorDataset(x[8000:], y[8000:]), batch_size=500)

    model = ResMLP(16, 26)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for xb, yb in train:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        acc = evaluate(model, test)
        print(f"epoch {epoch + 1:2d}  train loss {total / 8000:.4f}  test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
