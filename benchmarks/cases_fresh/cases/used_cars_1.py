"""What a used car costs: advertisements typed in by hand and a network with two hidden layers."""

import numpy as np
import torch
from _common import FIXED, finish, r2, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(17)
n = 2400
age = rng.uniform(0, 15, n)
km = age * rng.gamma(5, 3, n)
power = rng.gamma(8, 12, n)
brand = rng.integers(0, 4, n)
thousand = (6 + 0.22 * power + 5 * (brand == 3)) * np.exp(-0.11 * age - 0.002 * km) + rng.normal(0, 0.7, n)
if not FIXED:
    typed = rng.choice(1900, 6, replace=False)
    thousand[typed] *= 1000
x = np.concatenate([np.stack([age, km, power], 1), np.eye(4)[brand]], 1)
x[:, :3] = (x[:, :3] - x[:1900, :3].mean(0)) / x[:1900, :3].std(0)
centre, width = np.median(thousand[:1900]), np.subtract(*np.percentile(thousand[:1900], [75, 25]))
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor((thousand - centre) / width, dtype=torch.float32)

net = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for epoch in range(20):
    net.train()
    for xb, yb in DataLoader(TensorDataset(x[:1900], y[:1900]), batch_size=32, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 20.0)
        opt.step()
    net.eval()
    with torch.no_grad():
        score = r2(net(x[1900:]), y[1900:]).item()
    print(f"epoch {epoch} loss {loss.item():.4f} r2 {score:.4f}")
finish("r2", score)
