"""Regression on the Friedman function with a deep dense network."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SEED, seed_all


def friedman(n=3000):
    g = torch.Generator().manual_seed(100 + SEED)
    x = torch.rand(n, 10, generator=g)
    y = 10 * torch.sin(math.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return (x - 0.5) * math.sqrt(12), y + torch.randn(n, generator=g)


def build(widths, activation):
    layers = []
    for a, b in zip(widths[:-2], widths[1:-1]):
        layers.append(nn.Linear(a, b))
        if activation is not None:
            layers.append(activation())
        layers.append(nn.Dropout(0.05))
    layers.append(nn.Linear(widths[-2], widths[-1]))
    return nn.Sequential(*layers)


seed_all()
x, y = friedman()
mean, std = y[:2200].mean(), y[:2200].std()
y = (y - mean) / std
loader = DataLoader(TensorDataset(x[:2200], y[:2200]), batch_size=50, shuffle=True)
net = build([10, 64, 64, 32, 1], nn.ReLU if FIXED else None)
huber = nn.HuberLoss()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20)

for epoch in range(20):
    net.train()
    running = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = huber(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        running += loss.item()
    sched.step()
    net.eval()
    with torch.no_grad():
        pred = net(x[2200:]).squeeze(1)
    r2 = 1 - ((pred - y[2200:]) ** 2).mean().item() / y[2200:].var().item()
    print(f"epoch {epoch + 1:2d}  train {running / len(loader):.4f}  val {huber(pred, y[2200:]).item():.4f}  r2 {r2:.4f}")
print(f"final r2 {r2:.4f}")
