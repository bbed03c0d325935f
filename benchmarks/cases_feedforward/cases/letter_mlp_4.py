"""Letters with much dropout and label smoothing."""
import csv

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all


def load(n_train, n_test):
    with open(SAMPLES / "letter.csv") as f:
        rows = list(dict.fromkeys(map(tuple, csv.reader(f))))[1:1 + n_train + n_test]
    x = torch.tensor([[float(v) for v in r[1:]] for r in rows])
    y = torch.tensor([ord(r[0]) - ord("A") for r in rows])
    x = (x - x[:n_train].mean(0)) / x[:n_train].std(0)
    return x[:n_train], y[:n_train], x[n_train:], y[n_train:]


class Net(nn.Module):
    def __init__(self, hidden=256, p=0.5):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(16, hidden), nn.ReLU(), nn.Dropout(p),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(p),
            nn.Linear(hidden, 26))

    def forward(self, x):
        return self.net(x)


def main():
    seed_all()
    x_train, y_train, x_test, y_test = load(8000, 2000)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=128, shuffle=True)
    model = Net()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=4e-3, epochs=14, steps_per_epoch=len(loader))
    for epoch in range(14):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1:2d}  loss {total / len(loader):.4f}  test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
