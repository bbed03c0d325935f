"""Water level six hours ahead: GRU forecaster on a synthetic tide gauge."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

LOOKBACK, AHEAD = 36, 6


def gauge(hours=5000):
    g = torch.Generator().manual_seed(15)
    t = torch.arange(float(hours))
    level = torch.zeros(hours)
    for period, height in ((12.42, 1.0), (12.0, 0.45), (23.93, 0.35), (25.82, 0.25)):
        level += height * torch.sin(2 * math.pi * t / period + 6.28 * torch.rand(1, generator=g))
    surge = torch.zeros(hours)
    kicks = 0.06 * torch.randn(hours, generator=g)
    for i in range(1, hours):
        surge[i] = 0.95 * surge[i - 1] + kicks[i]
    return level + surge


class TideNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        layers = [nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, AHEAD)]
        if not FIXED:
            layers.append(nn.ReLU())
        self.mlp = nn.Sequential(*layers)

    def forward(self, x):
        _, h = self.gru(x)
        return self.mlp(h[-1])


def main():
    seed_all()
    s = gauge()
    mean, std = s[:4000].mean(), s[:4000].std()
    s = (s - mean) / std
    w = s.unfold(0, LOOKBACK + AHEAD, 1)
    x, y = w[:, :LOOKBACK].unsqueeze(-1).contiguous(), w[:, LOOKBACK:].contiguous()
    split, gap = 3900, 4000
    loader = DataLoader(TensorDataset(x[:split], y[:split]), batch_size=64, shuffle=True, drop_last=True)
    x_test, y_test = x[gap:], y[gap:]
    net = TideNet()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.3)
    criterion = nn.MSELoss()
    for epoch in range(8):
        net.train()
        for xb, yb in loader:
            loss = criterion(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            p = net(x_test)
        r2 = (1 - ((p - y_test) ** 2).mean() / y_test.var()).item()
        print(f"epoch {epoch + 1}: train mse (last batch) {loss.item():.4f}  test r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
