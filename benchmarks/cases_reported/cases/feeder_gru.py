"""The next hour's load of a feeder: a GRU over the last day."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, finish, load, r2, seed

HISTORY = 24


def meter(n=5000):
    """The feeder's series as the meter delivers it."""
    series = load()[:n].copy()
    rng = np.random.default_rng(7)
    for start in rng.integers(100, n - 100, 12):
        series[start : start + rng.integers(1, 5)] = np.nan
    return series


class Windows(Dataset):
    def __init__(self, series):
        self.series = torch.as_tensor(series, dtype=torch.float32)

    def __len__(self):
        return len(self.series) - HISTORY

    def __getitem__(self, i):
        return self.series[i : i + HISTORY].unsqueeze(1), self.series[i + HISTORY : i + HISTORY + 1]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


def evaluate(net, loader):
    net.eval()
    with torch.no_grad():
        pairs = [(net(x), y) for x, y in loader]
    prediction, target = (torch.cat(part) for part in zip(*pairs))
    known = torch.isfinite(target)
    return r2(prediction[known], target[known])


def main():
    seed()
    series = meter()
    if FIXED:
        hours = np.arange(len(series))
        known = np.isfinite(series)
        series = np.interp(hours, hours[known], series[known])
    cut = 4000
    mean, std = np.nanmean(series[:cut]), np.nanstd(series[:cut])
    series = (series - mean) / std
    train = DataLoader(Windows(series[:cut]), batch_size=64, shuffle=True)
    test = DataLoader(Windows(series[cut:]), batch_size=256)

    net = Forecaster()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        net.train()
        for x, y in train:
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        print(f"epoch {epoch + 1} train loss {loss.item():.4f} r2 {evaluate(net, test):.4f}")
    finish("r2", evaluate(net, test))


if __name__ == "__main__":
    main()
