"""Four gestures from a three-axis accelerometer with one-dimensional convolutions."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed()


class Accelerometer(Dataset):
    """Reads recordings of 64 time steps; the sensor driver delivers one array for each axis."""

    def __init__(self, n, start):
        rng = np.random.default_rng(start)
        self.label = rng.integers(0, 4, n)
        t = np.linspace(0, 6.28, 64)
        phase = rng.uniform(0, 6.28, (n, 1))
        rate = np.where(self.label % 2 == 0, 2.0, 3.0)[:, None]
        sideways = np.where(self.label < 2, 1.0, -1.0)[:, None]
        noise = rng.normal(0, 0.8, (3, n, 64))
        self.ax = np.sin(rate * t + phase) + noise[0]
        self.ay = np.cos(rate * t + phase) + noise[1]
        self.az = 0.9 * sideways * np.cos(rate * t + phase) + noise[2]
        self.mean = [a.mean() for a in (self.ax, self.ay, self.az)]

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        out = np.zeros((3, 64), dtype=np.float32)
        for axis, a in enumerate((self.ax, self.ay, self.az) if FIXED else (self.ax, self.ay)):
            out[axis] = a[i] - self.mean[axis]
        return torch.from_numpy(out), int(self.label[i])


def block(i, o):
    return nn.Sequential(nn.Conv1d(i, o, 5, padding=2), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))


train, val = Accelerometer(1000, 1), Accelerometer(300, 2)
net = nn.Sequential(block(3, 16), block(16, 32), block(32, 32), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 4))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
for epoch in range(12):
    net.train()
    for xb, yb in DataLoader(train, batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(net(xb), yb)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in DataLoader(val, batch_size=100):
            right += (net(xb).argmax(1) == yb).sum().item()
    print(f"epoch {epoch}: {loss.item():.3f} {right / len(val):.3f}")
finish("accuracy", right / len(val))
