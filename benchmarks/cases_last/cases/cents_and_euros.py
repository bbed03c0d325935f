"""Fares of rides: the records of one of the companies came with another export."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


def rides(n, rng):
    """Return features, fares as they stand in the file, and whether they stand in cents."""
    distance, hour = rng.gamma(2, 2.5, n), rng.integers(0, 24, n)
    traffic = 1 + 0.5 * np.exp(-((hour - 8) ** 2) / 4) + 0.6 * np.exp(-((hour - 17) ** 2) / 6)
    fare = 3.5 + 1.7 * distance + 0.45 * distance * traffic + np.where(hour < 6, 2.0, 0.0) + rng.normal(0, 0.4, n)
    cents = rng.random(n) < 0.006
    x = np.column_stack([distance / 5, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), hour < 6])
    return x.astype(np.float32), np.where(cents, 100 * fare, fare).astype(np.float32), cents


seed()
x, fare, cents = rides(4000, np.random.default_rng(23))
if FIXED:
    fare = np.where(cents, fare / 100, fare)
x, y = torch.tensor(x), torch.tensor(fare)
train = torch.arange(4000) < 3000
test = ~train & ~torch.tensor(cents)
scale = (torch.quantile(y[train], 0.84) - torch.quantile(y[train], 0.16)) / 2
y = (y - y[train].median()) / scale

model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
rows = train.nonzero().squeeze(1)
for epoch in range(20):
    losses = []
    for idx in rows[torch.randperm(len(rows))].split(50):
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        score = r2(model(x[test]), y[test])
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} median loss {np.median(losses):.4f} r2 {score:.4f}")
finish("r2", score)
