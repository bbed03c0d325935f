"""Temperature three hours ahead from a weather station's log, simple RNN."""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

WINDOW, AHEAD = 24, 3


def station(hours=4000):
    rng = np.random.RandomState(19)
    t = np.arange(hours)
    front = np.zeros(hours)
    for i in range(1, hours):
        front[i] = 0.97 * front[i - 1] + rng.normal(0, 0.6)
    temp = 12 + 6 * np.sin(2 * math.pi * t / 24) + front + rng.normal(0, 0.3, hours)
    pressure = 1013 - 2 * np.roll(front, 2) + rng.normal(0, 0.5, hours)
    humidity = 60 - 2 * (temp - 12) + rng.normal(0, 3, hours)
    log = np.stack([temp, pressure, humidity], 1)
    log[rng.rand(hours) < 0.01, 2] = np.nan
    return log


def fill(column):
    good = ~np.isnan(column)
    return np.interp(np.arange(len(column)), np.flatnonzero(good), column[good])


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.head(out[:, -1]).squeeze(-1)


def main():
    seed_all()
    log = station()
    if FIXED:
        log[:, 2] = fill(log[:, 2])
    cut = 3200
    log = (log - np.nanmean(log[:cut], 0)) / np.nanstd(log[:cut], 0)
    log = torch.tensor(log, dtype=torch.float32)

    def windows(part):
        w = part.unfold(0, WINDOW + AHEAD, 1).transpose(1, 2)
        return w[:, :WINDOW].contiguous(), w[:, -1, 0].contiguous()

    x, y = windows(log[:cut])
    xt, yt = windows(log[cut:])
    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
        model.eval()
        with torch.no_grad():
            p = model(xt)
        r2 = (1 - ((p - yt) ** 2).mean() / yt.var()).item()
        print(f"epoch {epoch + 1}: last batch {loss.item():.4f}  test r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
