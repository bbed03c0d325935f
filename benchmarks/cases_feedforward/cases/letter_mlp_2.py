"""Letter recognition with a configurable stack of dense layers."""
import csv

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class DenseNet(nn.Module):
    def __init__(self, n_in, n_out, width=48, n_layers=4):
        super().__init__()
        self.first = nn.Linear(n_in, width)
        layers = [nn.Linear(width, width) for _ in range(n_layers)]
        self.layers = nn.ModuleList(layers) if FIXED else layers
        self.last = nn.Linear(width, n_out)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.first(x))
        for layer in self.layers:
            x = self.relu(layer(x))
        return self.last(x)


def read():
    with open(SAMPLES / "letter.csv") as f:
        next(f)
        rows = list(dict.fromkeys(map(tuple, csv.reader(f))))[:9000]
    labels = sorted({r[0] for r in rows})
    y = np.array([labels.index(r[0]) for r in rows])
    x = np.array([r[1:] for r in rows], dtype=np.float32)
    return torch.from_numpy(x), torch.from_numpy(y), len(labels)


def main():
    seed_all()
    x, y, n_classes = read()
    n = 7500
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    train_loader = DataLoader(TensorDataset(x[:n], y[:n]), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[n:], y[n:]), batch_size=256)

    model = DenseNet(x.shape[1], n_classes)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    for epoch in range(15):
        model.train()
        train_loss = 0.0
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for inputs, targets in test_loader:
                correct += (model(inputs).argmax(1) == targets).sum().item()
        accuracy = correct / len(test_loader.dataset)
        print(f"Epoch {epoch + 1:2d} | loss {train_loss / len(train_loader):.4f} | accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
