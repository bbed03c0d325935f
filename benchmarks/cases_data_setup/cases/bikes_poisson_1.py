"""Hourly bicycle rentals as counts: a small network with a Poisson likelihood."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

EPOCHS = 12


def weather(n=4000):
    rng = np.random.default_rng(5)
    hour = rng.integers(0, 24, n)
    temp = rng.normal(12, 8, n)
    humidity = rng.uniform(30, 100, n)
    pressure = rng.normal(1013, 8, n)
    wind = rng.gamma(2.0, 6.0, n)
    visibility = rng.uniform(500, 20000, n)
    weekend = rng.random(n) < 2 / 7
    rush = np.exp(-((hour - 8) / 2.0) ** 2) + np.exp(-((hour - 17.5) / 2.5) ** 2)
    rate = (0.4 + 1.2 * rush * ~weekend + 0.05 * np.clip(temp, 0, 28) - 0.02 * wind
            - 0.006 * (humidity - 60) + 0.00003 * visibility)
    y = rng.poisson(np.exp(rate))
    clock = 2 * np.pi * hour / 24
    x = np.stack([np.sin(clock), np.cos(clock), np.sin(2 * clock), np.cos(2 * clock), temp,
                  humidity, pressure, wind, visibility, weekend], 1)
    return x.astype(np.float32), y.astype(np.float32)


class RateNet(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.out = nn.Linear(48, 1)

    def forward(self, x):
        return F.softplus(self.out(self.body(x))).squeeze(1) + 1e-3


def deviance(rate, y):
    term = torch.where(y > 0, y * torch.log(y.clamp(min=1e-9) / rate), torch.zeros_like(y))
    return 2 * (term - (y - rate)).mean().item()


def main():
    seed_all()
    x, y = weather()
    if FIXED:
        x = (x - x[:3000].mean(0)) / x[:3000].std(0)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    x_val, y_val = x[3000:], y[3000:]
    loader = DataLoader(TensorDataset(x[:3000], y[:3000]), batch_size=64, shuffle=True)
    net = RateNet(x.shape[1])
    criterion = nn.PoissonNLLLoss(log_input=False)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    null = deviance(y[:3000].mean().expand_as(y_val), y_val)
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        for xb, yb in loader:
            loss = criterion(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            rate = net(x_val)
        val_loss = criterion(rate, y_val).item()
        explained = 1 - deviance(rate, y_val) / null
        print(f"epoch {epoch + 1} train {total / 3000:.4f} val {val_loss:.4f} deviance explained {explained:.4f}")
    print(f"final d2 {explained:.4f}")


if __name__ == "__main__":
    main()
