"""Load one hour ahead at every position of a window: dilated temporal convolutions."""
import csv

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LENGTH = 96


def load_series():
    with open(SAMPLES / "electricity.csv") as file:
        y = np.array([float(r["y"]) for r in csv.DictReader(file)], dtype=np.float32)
    return y


def windows(series, start, stop, stride):
    rows = [series[i:i + LENGTH + 1] for i in range(start, stop - LENGTH - 1, stride)]
    rows = torch.from_numpy(np.stack(rows))
    return rows[:, None, :-1], rows[:, 1:]


class TemporalConv(nn.Module):
    def __init__(self, cin, cout, kernel, dilation):
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.conv = nn.Conv1d(cin, cout, kernel, dilation=dilation)

    def forward(self, x):
        if FIXED:
            return self.conv(F.pad(x, (self.reach, 0)))
        return self.conv(F.pad(x, (self.reach // 2, self.reach - self.reach // 2)))


class TCN(nn.Module):
    def __init__(self, channels=20, kernel=3, levels=4):
        super().__init__()
        self.first = TemporalConv(1, channels, kernel, 1)
        self.levels = nn.ModuleList(TemporalConv(channels, channels, kernel, 2 ** k) for k in range(levels))
        self.drop = nn.Dropout(0.05)
        self.out = nn.Conv1d(channels, 1, 1)

    def forward(self, x):
        h = self.first(x)
        for level in self.levels:
            h = h + self.drop(torch.relu(level(h)))
        return self.out(h).squeeze(1)


def main():
    seed_all()
    series = load_series()
    cut = int(0.75 * len(series))
    series = (series - series[:cut].mean()) / series[:cut].std()
    x, y = windows(series, 0, cut, 3)
    x_val, y_val = windows(series, cut, len(series), 24)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    net = TCN()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.75)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        mse = F.mse_loss(out, y_val).item()
        print(f"epoch {epoch + 1} train mse {total / len(loader):.5f} val mse {mse:.5f}")
    print(f"final mse {mse:.5f}")


if __name__ == "__main__":
    main()
