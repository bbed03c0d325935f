"""Hourly electricity load: the next hour from the 48 hours before it."""
import csv

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LAGS = 48


def load_series():
    with open(SAMPLES / "electricity.csv") as f:
        return np.array([float(r["y"]) for r in csv.DictReader(f)], dtype=np.float32)


def windows(series):
    x = np.stack([series[i:i + LAGS] for i in range(len(series) - LAGS)])
    return torch.from_numpy(x), torch.from_numpy(series[LAGS:])


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(LAGS, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        out = self.head(self.body(x))
        return out.squeeze(-1) if FIXED else out


@torch.no_grad()
def r2(model, x, y):
    model.eval()
    pred = model(x).numpy().ravel()
    y = y.numpy()
    return 1 - np.mean((pred - y) ** 2) / np.var(y)


def main():
    seed_all()
    series = load_series()
    split = int(len(series) * 0.8)
    series = (series - series[:split].mean()) / series[:split].std()
    x_train, y_train = windows(series[:split])
    x_test, y_test = windows(series[split - LAGS:])
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        score = r2(model, x_test, y_test)
        print(f"epoch {epoch + 1}: mse {np.mean(losses):.4f}, test r2 {score:.4f}")
    print(f"final r2 {score:.4f}")


if __name__ == "__main__":
    main()
