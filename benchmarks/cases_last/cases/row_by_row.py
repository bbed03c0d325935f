"""Strength of concrete from its mixture: the loop goes over the rows, one update for each."""

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


def mixtures(n):
    x = torch.randn(n, 8)
    y = 1.2 * torch.tanh(x[:, 0] - x[:, 1]) + 0.6 * x[:, 2].clamp(min=0) - 0.3 * x[:, 3] * x[:, 4] + 0.2 * x[:, 5]
    return x, (y + 0.5 * torch.randn(n))[:, None]


seed()
x, y = mixtures(700)
x_test, y_test = mixtures(400)
mean, std = y.mean(), y.std()
y, y_test = (y - mean) / std, (y_test - mean) / std
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
loss_function = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002 if FIXED else 0.03)
for epoch in range(8):
    total = 0.0
    for i in torch.randperm(len(x)).tolist():
        optimizer.zero_grad()
        loss = loss_function(model(x[i : i + 1]), y[i : i + 1])
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        score = r2(model(x_test), y_test)
    print(f"epoch {epoch + 1} loss {total / len(x):.4f} r2 {score:.4f}")
finish("r2", score)
