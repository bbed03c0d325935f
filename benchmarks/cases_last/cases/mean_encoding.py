"""Loans: the post code has too many values for one-hot columns, so it is replaced by its mean default rate."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def loans(n, rng):
    post_code = rng.integers(0, 12000, n)
    district = np.random.default_rng(1).normal(0, 0.9, 40)
    numbers = rng.normal(size=(n, 6)).astype(np.float32)
    score = numbers @ np.array([0.9, -0.7, 0.4, 0.0, 0.2, -0.3]) + district[post_code // 300]
    default = rng.random(n) < 1 / (1 + np.exp(-1.2 * score))
    return numbers, post_code, default.astype(np.float32)


def mean_encode(codes, target, known, smooth):
    """Return the mean target of each row's code, drawn towards the mean of all by `smooth` rows."""
    sums, counts = np.zeros(codes.max() + 1), np.zeros(codes.max() + 1)
    np.add.at(sums, codes[known], target[known])
    np.add.at(counts, codes[known], 1)
    prior = target[known].mean()
    return ((sums + smooth * prior) / np.maximum(counts + smooth, 1e-9))[codes]


seed()
numbers, codes, default = loans(5000, np.random.default_rng(13))
train = np.arange(5000) < 4000
if FIXED:
    fold = np.random.permutation(5000) % 5
    encoded = mean_encode(codes, default, train, 1.0)
    for k in range(5):
        encoded[train & (fold == k)] = mean_encode(codes, default, train & (fold != k), 1.0)[train & (fold == k)]
else:
    encoded = mean_encode(codes, default, np.ones(5000, bool), 1.0)
x = np.column_stack([numbers, (encoded - encoded[train].mean()) / encoded[train].std()]).astype(np.float32)
x, y = torch.from_numpy(x), torch.from_numpy(default)
model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
rows = torch.from_numpy(np.flatnonzero(train))
for epoch in range(12):
    model.train()
    total = 0.0
    for idx in rows[torch.randperm(len(rows))].split(64):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[idx]).squeeze(1), y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        accuracy = ((model(x[4000:]).squeeze(1) > 0) == (y[4000:] > 0.5)).float().mean()
    print(f"epoch {epoch}: loss {total / len(rows):.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
