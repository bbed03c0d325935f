"""DeepONet: from samples of a function to its integral at any place."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

SENSORS = 50


def make_batch(n, number=None):
    if number is not None:
        torch.manual_seed(number)  # reproducible
    t = torch.linspace(0, 1, SENSORS)
    k = torch.arange(1, 6)
    a, b = torch.randn(n, 5, 1) / k[:, None] ** 0.5, torch.randn(n, 5, 1) / k[:, None] ** 0.5
    w = (2 * torch.pi * k)[:, None]
    u = (a * torch.sin(w * t) + b * torch.cos(w * t)).sum(1)
    place = torch.rand(n, 1)
    wp = 2 * torch.pi * k * place
    k2 = (2 * torch.pi * k).float()
    s = (a[..., 0] * (1 - torch.cos(wp)) / k2 + b[..., 0] * torch.sin(wp) / k2).sum(1)
    return u, place, 5 * s


class DeepONet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(SENSORS, width), nn.Tanh(), nn.Linear(width, width))
        self.trunk = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, u, place):
        return (self.branch(u) * self.trunk(place)).sum(-1) / 8 + self.bias


SEED = seed()
model = DeepONet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(1200):
    u, place, s = make_batch(64, None if FIXED else SEED)
    loss = ((model(u, place) - s) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step {step} loss {loss.item():.5f}")
with torch.no_grad():
    u, place, s = make_batch(2000, 12345)
    finish("unexplained", ((model(u, place) - s) ** 2).mean() / s.var())
