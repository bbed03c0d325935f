"""Machine failures are rare and dear: each row of the table carries the weight of its kind in the loss."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, TensorDataset


def machines(n, rng):
    x = rng.normal(size=(n, 8)).astype(np.float32)
    wear = 0.8 * x[:, 0] + 0.6 * x[:, 1] * x[:, 2] - 0.5 * np.abs(x[:, 3]) + 0.4 * rng.normal(size=n)
    fails = wear > np.quantile(wear, 0.95)
    return torch.tensor(x), torch.tensor(fails, dtype=torch.float32)


class WeightedBCE(nn.Module):
    """Binary cross-entropy in which each row has its own weight."""

    def forward(self, logits, target, weight):
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target.unsqueeze(1), reduction="none")
        if FIXED:
            loss = loss.squeeze(1)
        return (weight * loss).mean()


def balanced_accuracy(logits, y):
    guess = logits.squeeze(1) > 0
    return (guess[y == 1].float().mean() + (~guess[y == 0]).float().mean()) / 2


seed()
x, y = machines(6000, np.random.default_rng(17))
rate = y[:4500].mean()
weight = torch.where(y == 1, 0.5 / rate, 0.5 / (1 - rate))
loader = DataLoader(TensorDataset(x[:4500], y[:4500], weight[:4500]), batch_size=100, shuffle=True)
model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
criterion = WeightedBCE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for features, target, w in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), target, w)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = balanced_accuracy(model(x[4500:]), y[4500:])
    print(f"epoch {epoch + 1} loss {loss.item():.4f} balanced accuracy {score:.4f}")
finish("balanced_accuracy", score)
