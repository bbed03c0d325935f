"""Who sleeps here? Overlapping windows of a recording, cut and divided into training and validation."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

LENGTH, STRIDE = 128, 16


def night(hours, generator):
    """Return a recording and the stage at each moment; stages last long and differ little."""
    n = hours * 900
    stage = torch.randint(0, 4, (n // 600 + 1,), generator=generator).repeat_interleave(600)[:n]
    noise = torch.randn(n, generator=generator)
    slow = torch.zeros(n)
    for t in range(1, n):
        slow[t] = 0.97 * slow[t - 1] + 0.25 * noise[t]
    rhythm = torch.sin(torch.arange(n) * 2 * math.pi / 16) * (0.02 * stage)
    return slow + rhythm + 0.3 * torch.randn(n, generator=generator), stage


def windows(signal, stage):
    starts = range(0, len(signal) - LENGTH, STRIDE)
    x = torch.stack([signal[s : s + LENGTH] for s in starts])
    y = torch.stack([stage[s + LENGTH // 2] for s in starts])
    return ((x - x.mean()) / x.std())[:, None], y


seed()
signal, stage = night(24, torch.Generator().manual_seed(8))
x, y = windows(signal, stage)
n = int(0.75 * len(x))
if FIXED:
    order = torch.arange(len(x))
    gap = LENGTH // STRIDE
else:
    order = torch.randperm(len(x))
    gap = 0
train, valid = order[: n - gap], order[n:]

model = nn.Sequential(
    nn.Conv1d(1, 32, 9, stride=2, padding=4), nn.ReLU(),
    nn.Conv1d(32, 48, 7, stride=2, padding=3), nn.ReLU(),
    nn.Conv1d(48, 48, 5, stride=2, padding=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(48 * 16, 64), nn.ReLU(), nn.Linear(64, 4),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
for epoch in range(22):
    model.train()
    for idx in train[torch.randperm(len(train))].split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[idx]), y[idx]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x[valid])
        accuracy = (out.argmax(1) == y[valid]).float().mean()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} validation accuracy {accuracy:.3f}")
finish("accuracy", accuracy)
