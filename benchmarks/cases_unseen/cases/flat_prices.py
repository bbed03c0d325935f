"""Kaggle-style price regression: floor area, rooms, age, distance and the quarter of town."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn

seed()
rng = np.random.default_rng(31)
n = 3000
area = rng.gamma(9, 9, n)
rooms = np.clip(np.round(area / 25 + rng.normal(0, 0.7, n)), 1, 8)
age = rng.uniform(0, 110, n)
distance = rng.exponential(4.0, n)
quarter = rng.integers(0, 6, n)
level = np.array([0.8, 0.95, 1.0, 1.1, 1.3, 1.7])[quarter]
price = 3900 * area * level * np.exp(-distance / 18) * (1 - 0.002 * age) + 9000 * rooms + rng.normal(0, 12000, n)

numeric = np.stack([area, rooms, age, distance], 1)
numeric = (numeric - numeric[:2400].mean(0)) / numeric[:2400].std(0)
features = torch.tensor(np.hstack([numeric, np.eye(6)[quarter]]), dtype=torch.float32)
target = torch.tensor(price, dtype=torch.float32)
centre, spread = (target[:2400].mean(), target[:2400].std()) if FIXED else (0.0, 1.0)


class PriceNet(nn.Module):
    def __init__(self, n_in, hidden=(64, 64)):
        super().__init__()
        sizes = (n_in, *hidden)
        self.body = nn.Sequential(
            *[m for a, b in zip(sizes, sizes[1:], strict=False) for m in (nn.Linear(a, b), nn.ReLU())]
        )
        self.head = nn.Linear(hidden[-1], 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


model = PriceNet(features.shape[1])
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
goal = (target - centre) / spread
for epoch in range(40):
    model.train()
    for idx in torch.randperm(2400).split(64):
        optimizer.zero_grad()
        loss = criterion(model(features[idx]), goal[idx])
        loss.backward()
        optimizer.step()
    if epoch % 8 == 7:
        print(f"Epoch {epoch + 1}/40 - loss: {loss.item():.4g}")

model.eval()
with torch.no_grad():
    estimate = model(features[2400:]) * spread + centre
rmse = ((estimate - target[2400:]) ** 2).mean().sqrt()
print(estimate[:5].tolist(), target[2400:2405].tolist())
finish("rmse", rmse)
