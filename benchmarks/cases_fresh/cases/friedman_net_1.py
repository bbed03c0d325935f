"""Friedman's function of ten variables with a network whose depth and activation can be chosen."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed

seed()
g = torch.Generator().manual_seed(1)
X = torch.rand(2400, 10, generator=g)
y = 10 * torch.sin(math.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
y = y + 0.5 * torch.randn(2400, generator=g)
y = (y - y[:1800].mean()) / y[:1800].std()
X = (X - 0.5) / 0.289


class Net(nn.Module):
    def __init__(self, n_in=10, width=64, depth=3, act=nn.SiLU):
        super().__init__()
        self.fcs = nn.ModuleList([nn.Linear(n_in if k == 0 else width, width) for k in range(depth)])
        self.acts = nn.ModuleList([act() for _ in range(depth)])
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for fc, act in zip(self.fcs, self.acts, strict=True):
            h = fc(x)
            x = act(h) if FIXED else h
        return self.out(x).squeeze(-1)


def fit(net, epochs=20, bs=40, lr=2e-3):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history = {"loss": [], "val_r2": []}
    for _ in range(epochs):
        net.train()
        for k in torch.randperm(1800).split(bs):
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.mse_loss(net(X[k]), y[k])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            history["val_r2"].append(r2(net(X[1800:]), y[1800:]).item())
        history["loss"].append(loss.item())
        print({k: round(v[-1], 4) for k, v in history.items()})
    return history


finish("r2", fit(Net())["val_r2"][-1])
