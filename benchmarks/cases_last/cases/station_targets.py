"""Tomorrow's temperature, humidity and air pressure from today's readings, one network with three outputs."""

import numpy as np
import torch
from _common import FIXED, finish, r2, seed
from torch import nn

UNITS = {"temperature": "C", "humidity": "share", "pressure": "Pa"}


def simulate(days, rng):
    """Return readings of each day (temperature, humidity, pressure)."""
    season = 10 * np.sin(2 * np.pi * np.arange(days) / 365)
    state = np.zeros((days, 3))
    for t in range(1, days):
        warm, damp, press = state[t - 1]
        state[t, 2] = 0.85 * press + rng.normal(0, 0.4)
        state[t, 1] = 0.6 * damp - 0.5 * press + rng.normal(0, 0.2)
        state[t, 0] = 0.7 * warm + 0.4 * press - 0.2 * damp + rng.normal(0, 0.2)
    return np.stack(
        [12 + season + 4 * state[:, 0], 0.6 + 0.08 * state[:, 1], 101_300 + 700 * state[:, 2]], 1
    ).astype(np.float32)


seed()
readings = simulate(2200, np.random.default_rng(3))
mean, std = readings[:1700].mean(0), readings[:1700].std(0)
inputs = torch.tensor((readings - mean) / std)
targets = torch.tensor((readings - mean) / std if FIXED else readings - mean)
window = 5
x = torch.stack([inputs[i : i + window].flatten() for i in range(len(inputs) - window)])
y = targets[window:]

net = nn.Sequential(nn.Linear(3 * window, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(40):
    total = 0.0
    for idx in torch.randperm(1690).split(65):
        loss = ((net(x[idx]) - y[idx]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 8 == 7:
        print("epoch", epoch + 1, "loss", round(total / 26, 4))

with torch.no_grad():
    prediction = net(x[1700:])
scores = [r2(prediction[:, i], y[1700:, i]).item() for i in range(3)]
for name, score in zip(UNITS, scores, strict=True):
    print(name, round(score, 3))
finish("mean_r2", sum(scores) / 3)
