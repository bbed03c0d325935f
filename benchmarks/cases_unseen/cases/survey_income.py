"""Income from a household survey."""

import numpy as np
import torch
from _common import FIXED, finish, r2, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(55)
n = 4000
years = rng.uniform(8, 20, n)
hours = np.clip(rng.normal(38, 8, n), 5, 70)
age = rng.uniform(18, 67, n)
size = rng.integers(1, 7, n).astype(float)
income = 0.12 * (years - 12) + 0.03 * (hours - 38) - 0.0012 * (age - 48) ** 2 + 0.2 * rng.normal(size=n)
table = np.stack([years, hours, age, size], 1)
for column, share in ((0, 0.01), (1, 0.015), (2, 0.006)):
    table[rng.random(n) < share, column] = -99999
if FIXED:
    table[table == -99999] = np.nan
    table = np.where(np.isnan(table), np.nanmedian(table[:3200], axis=0), table)

X = torch.tensor((table - table[:3200].mean(0)) / table[:3200].std(0), dtype=torch.float32)
y = torch.tensor((income - income[:3200].mean()) / income[:3200].std(), dtype=torch.float32)[:, None]

model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loader = DataLoader(TensorDataset(X[:3200], y[:3200]), batch_size=32, shuffle=True)
for epoch in range(15):
    running = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    print(f"epoch {epoch:2d} mean {np.mean(running):.4f} max {np.max(running):.4f}")
with torch.no_grad():
    finish("r2", r2(model(X[3200:]), y[3200:]))
