"""Learn the period of a simulated pendulum from what a small camera sees."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed

seed()
rng = np.random.default_rng(17)
T = 24


class Recorder:
    """Camera with one line of 16 pixels."""

    def __init__(self):
        self.buffer = np.zeros((T, 16), dtype=np.float32)
        self.grid = np.linspace(-1.5, 1.5, 16)

    def record(self, frequency, phase):
        for t in range(T):
            angle = np.sin(2 * np.pi * frequency * t / T + phase)
            self.buffer[t] = np.exp(-((self.grid - angle) ** 2) / 0.08)
        return self.buffer


def collect(n, clips_per_camera=40):
    clips, targets = [], []
    while len(clips) < n:
        camera = Recorder()
        for _ in range(clips_per_camera):
            f = rng.uniform(0.5, 4.0)
            clip = camera.record(f, rng.uniform(0, 2 * np.pi))
            clips.append(clip.copy() if FIXED else clip)
            targets.append(f)
    return torch.tensor(np.array(clips)), torch.tensor(np.array(targets, dtype=np.float32))


X, y = collect(1600)
rng = np.random.default_rng(18)
pairs = rng.uniform([0.5, 0], [4.0, 6.28], (400, 2))
Xt = torch.tensor(np.stack([Recorder().record(f, p) for f, p in pairs]))
yt = torch.tensor(pairs[:, 0].astype(np.float32))

net = nn.Sequential(
    nn.Conv1d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
    nn.Linear(32 * T, 64), nn.ReLU(), nn.Linear(64, 1),
)  # fmt: skip
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
mean, std = y.mean(), y.std()
for epoch in range(12):
    for idx in torch.randperm(len(X)).split(40):
        opt.zero_grad()
        loss = ((net(X[idx].transpose(1, 2)).squeeze(1) - (y[idx] - mean) / std) ** 2).mean()
        loss.backward()
        opt.step()
    print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    finish("r2", r2(net(Xt.transpose(1, 2)).squeeze(1) * std + mean, yt))
