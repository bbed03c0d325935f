"""A normalising flow fits the density of two thin moons; its loss goes below zero."""

import math

import torch
import torch.nn as nn
from _common import finish, seed

seed()
g = torch.Generator().manual_seed(3)


def moons(n):
    t = math.pi * torch.rand(n, generator=g)
    side = torch.randint(0, 2, (n,), generator=g) * 2.0 - 1
    x = torch.stack([side * (t.cos() - 0.5), side * (t.sin() - 0.25)], 1) * 0.5
    return x + 0.02 * torch.randn(n, 2, generator=g)


class Coupling(nn.Module):
    def __init__(self, swap):
        super().__init__()
        self.swap = swap
        self.net = nn.Sequential(nn.Linear(1, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))

    def forward(self, x):
        a, b = x.flip(1).chunk(2, 1) if self.swap else x.chunk(2, 1)
        s, t = self.net(a).chunk(2, 1)
        s = 1.5 * torch.tanh(s)
        out = torch.cat([a, b * s.exp() + t], 1)
        return (out.flip(1) if self.swap else out), s.sum(1)


class Flow(nn.Module):
    def __init__(self, depth=8):
        super().__init__()
        self.steps = nn.ModuleList(Coupling(k % 2 == 1) for k in range(depth))

    def nll(self, x):
        logdet = torch.zeros(len(x))
        for step in self.steps:
            x, d = step(x)
            logdet = logdet + d
        return (0.5 * x.square().sum(1) + math.log(2 * math.pi) - logdet).mean()


train, val = moons(3000), moons(600)
flow = Flow()
opt = torch.optim.Adam(flow.parameters(), lr=2e-3)
for epoch in range(20):
    for b in torch.randperm(3000).split(100):
        loss = flow.nll(train[b])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        opt.step()
    with torch.no_grad():
        held = flow.nll(val).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch} train {loss.item():.3f} val {held:.3f}")
finish("nll", held)
