"""Learning to learn sine waves: the inner steps are taken on a copy of the weights, by function call."""

import math

import torch
import torch.nn as nn
from _common import finish, seed
from torch.func import functional_call

INNER = 0.03


def tasks(n):
    amplitude, phase = torch.rand(n, 1, 1) * 3 + 0.5, torch.rand(n, 1, 1) * math.pi
    x = torch.rand(n, 20, 1) * 8 - 4
    return x, amplitude * torch.sin(x + phase)


def adapted(model, weights, x, y, steps, graph):
    for _ in range(steps):
        loss = (functional_call(model, weights, (x,)) - y).square().mean()
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=graph)
        weights = {k: w - INNER * g for (k, w), g in zip(weights.items(), slopes, strict=True)}
    return weights


seed()
model = nn.Sequential(nn.Linear(1, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(1, 351):
    xs, ys = tasks(8)
    loss = 0.0
    for x, y in zip(xs, ys, strict=True):
        fast = adapted(model, dict(model.named_parameters()), x[:10], y[:10], 1, graph=True)
        loss = loss + (functional_call(model, fast, (x[10:],)) - y[10:]).square().mean() / 8
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 70 == 0:
        print(f"step {step} loss after one inner step {loss.item():.4f}")
errors, spread = [], []
for x, y in zip(*tasks(100), strict=True):
    fast = adapted(model, dict(model.named_parameters()), x[:10], y[:10], 5, graph=False)
    errors.append((functional_call(model, fast, (x[10:],)) - y[10:]).square().mean().item())
    spread.append(y.square().mean().item())
finish("unexplained", sum(errors) / sum(spread))
