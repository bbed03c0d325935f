"""House prices of a made-up town: a table exported from the land register and an MLP."""

import numpy as np
import torch
from _common import FIXED, finish, r2, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(21)
n = 3000
area = rng.gamma(6, 20, n)
rooms = np.clip(np.round(area / 28 + rng.normal(0, 1, n)), 1, None)
age = rng.integers(0, 110, n)
distance = rng.gamma(2, 3, n)
garden = rng.random(n) < 0.4
price = 60 + 2.4 * area * np.exp(-0.09 * distance) + 25 * garden * (area > 90) - 0.5 * age + 0.004 * age**2
price = price + rng.normal(0, 12, n)
table = np.stack([area, rooms, age, distance, garden, price], 1)
test, table = table[:600], table[600:]
table = table[table[:, 5].argsort()]

mean, std = table.mean(0), table.std(0)
table, test = [torch.tensor((t - mean) / std, dtype=torch.float32) for t in (table, test)]
loader = DataLoader(TensorDataset(table[:, :5], table[:, 5:]), batch_size=24, shuffle=FIXED)
model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(1, 16):
    model.train()
    losses = []
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        score = r2(model(test[:, :5]), test[:, 5:]).item()
    print(f"Epoch {epoch}: train {np.mean(losses):.4f}, test R2 {score:.4f}")
finish("r2", score)
