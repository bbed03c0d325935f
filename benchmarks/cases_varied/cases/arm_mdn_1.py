"""Where on its rail (millimetres) is the carriage, given the reading of an ambiguous sensor? Mixture density network."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

LENGTH_MM = 1200.0


def measure(n):
    pos = np.random.rand(n)
    reading = pos + 0.3 * np.sin(2 * np.pi * pos) + 0.04 * np.random.randn(n)
    return reading.astype(np.float32)[:, None], (LENGTH_MM * pos).astype(np.float32)


class MixtureDensity(nn.Module):
    def __init__(self, components=4, hidden=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.weight, self.mean, self.log_std = (nn.Linear(hidden, components) for _ in range(3))

    def forward(self, x):
        h = self.body(x)
        return F.log_softmax(self.weight(h), dim=1), self.mean(h), self.log_std(h)


def mixture_nll(out, y):
    logw, mean, log_std = out
    comp = -0.5 * ((y[:, None] - mean) / log_std.exp()) ** 2 - log_std - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(logw + comp, dim=1).mean()


def main():
    seed_all()
    x, y = measure(3200)
    x = (x - x[:2400].mean()) / x[:2400].std()
    centre, scale = (y[:2400].mean(), y[:2400].std()) if FIXED else (0.0, 1.0)
    y = (y - centre) / scale
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    loader = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=48, shuffle=True)
    net = MixtureDensity()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(50):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = mixture_nll(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            val = mixture_nll(net(x[2400:]), y[2400:]).item() + math.log(scale)
        if epoch % 5 == 4:
            print(f"[{epoch + 1:3d}] train {total / len(loader) + math.log(scale):9.3f}   held-out {val:9.3f}  (nats, position in mm)")
    print(f"final nll_mm {val:.4f}")


if __name__ == "__main__":
    main()
