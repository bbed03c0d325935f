"""Matrix factorisation with biases, after a recommender tutorial."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, TensorDataset

seed()
n_users, n_items, k_true = 300, 200, 4
rng = np.random.default_rng(8)
P, Q = rng.normal(size=(n_users, k_true)), rng.normal(size=(n_items, k_true))
bu, bi = 0.3 * rng.normal(size=n_users), 0.3 * rng.normal(size=n_items)
pairs = np.unique(rng.integers(0, n_users * n_items, 16000))
users, items = pairs // n_items, pairs % n_items
stars = 3 + bu[users] + bi[items] + 0.5 * (P[users] * Q[items]).sum(1) + 0.2 * rng.normal(size=len(pairs))
order = rng.permutation(len(pairs))
users, items, stars = (torch.tensor(v[order]) for v in (users, items, stars.astype(np.float32)))
n_train = int(0.85 * len(users))
train_loader = DataLoader(
    TensorDataset(users[:n_train], items[:n_train], stars[:n_train]), batch_size=128, shuffle=True
)


class MF(nn.Module):
    def __init__(self, n_factors=8):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.item_factors = nn.Embedding(n_items, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for table in (self.user_factors, self.item_factors):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, u, i):
        if FIXED:
            p, q = self.user_factors(u), self.item_factors(i)
        else:
            p, q = self.user_factors.weight.data[u], self.item_factors.weight.data[i]
        return self.mean + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1) + (p * q).sum(1)


model = MF()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
mse = nn.MSELoss()
for epoch in range(15):
    losses = []
    for u, i, s in train_loader:
        optimizer.zero_grad()
        loss = mse(model(u, i), s)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        rmse = mse(model(users[n_train:], items[n_train:]), stars[n_train:]).sqrt().item()
    print(f"epoch {epoch:2d} train mse {np.mean(losses):.4f} test rmse {rmse:.4f}")
finish("rmse", rmse)
