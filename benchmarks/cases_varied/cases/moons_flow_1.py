"""Density of two interleaved crescents with a small RealNVP."""
import math

import numpy as np
import torch
from torch import nn

from _common import FIXED, seed_all


def crescents(n):
    a = np.random.rand(n) * np.pi
    side = np.random.rand(n) < 0.5
    x = np.where(side, np.cos(a), 1 - np.cos(a))
    y = np.where(side, np.sin(a), 0.5 - np.sin(a))
    return (np.column_stack([x, y]) + 0.1 * np.random.randn(n, 2)).astype(np.float32)


class Coupling(nn.Module):
    def __init__(self, flip, hidden=64):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, z):
        kept, moved = (z[:, 1:], z[:, :1]) if self.flip else (z[:, :1], z[:, 1:])
        s, t = self.net(kept).chunk(2, dim=1)
        s = 2 * torch.tanh(s / 2)
        moved = moved * s.exp() + t
        return torch.cat([moved, kept] if self.flip else [kept, moved], dim=1), s.squeeze(1)


class RealNVP(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(depth))

    def log_prob(self, x):
        logdet = torch.zeros(len(x))
        for layer in self.layers:
            x, ld = layer(x)
            logdet = logdet + ld
        return -0.5 * (x ** 2).sum(1) - math.log(2 * math.pi) + logdet

    def forward(self, x):
        return self.log_prob(x)


def main():
    seed_all()
    data = crescents(4000)
    data = (data - data[:3000].mean(0)) / data[:3000].std(0)
    train, held = torch.from_numpy(data[:3000]), torch.from_numpy(data[3000:])
    flow = RealNVP()
    opt = torch.optim.Adam(flow.parameters(), lr=2e-3 if FIXED else 5e-2)
    for epoch in range(40):
        flow.train()
        order, losses = torch.randperm(len(train)), []
        for chunk in order.split(100):
            nll = -flow(train[chunk]).mean()
            opt.zero_grad()
            nll.backward()
            opt.step()
            losses.append(nll.item())
        flow.eval()
        with torch.no_grad():
            val = -flow(held).mean().item()
        print(f"epoch {epoch + 1}: train nll {np.mean(losses):.3f} held-out nll {val:.3f}")
    print(f"final nll {val:.4f}")


if __name__ == "__main__":
    main()
