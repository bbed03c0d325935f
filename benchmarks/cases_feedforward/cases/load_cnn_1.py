"""Hourly load, seven hours ahead, with a 1-D convolutional network over three days."""
import csv

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

WINDOW, HORIZON = 72, 6


class LoadWindows(Dataset):
    def __init__(self, series, mean, std, first, last):
        self.series = torch.from_numpy(series)
        self.scaled = (self.series - mean) / std
        self.target = self.scaled if FIXED else self.series
        self.starts = range(first, last - WINDOW - HORIZON)

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        s = self.starts[i]
        return self.scaled[s:s + WINDOW].unsqueeze(0), self.target[s + WINDOW + HORIZON]


class ConvForecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.ReLU())
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(32 * 18, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.fc(self.conv(x)).squeeze(1)


def evaluate(model, loader):
    model.eval()
    preds, targets = [], []
    with torch.no_grad():
        for x, y in loader:
            preds.append(model(x))
            targets.append(y)
    p, t = torch.cat(preds), torch.cat(targets)
    return 1 - ((p - t).square().mean() / t.var()).item()


def main():
    seed_all()
    with open(SAMPLES / "electricity.csv") as f:
        series = np.array([row["y"] for row in csv.DictReader(f)], dtype=np.float32)[:6000]
    cut = 5000
    mean, std = float(series[:cut].mean()), float(series[:cut].std())
    train = DataLoader(LoadWindows(series, mean, std, 0, cut), batch_size=64, shuffle=True)
    test = DataLoader(LoadWindows(series, mean, std, cut, len(series)), batch_size=256)

    model = ConvForecaster()
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        r2 = evaluate(model, test)
        print(f"epoch {epoch + 1}: train loss {total / len(train):.4f}  test r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
