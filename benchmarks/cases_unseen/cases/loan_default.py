"""Loan default: prepare, train, report."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
rng = np.random.default_rng(3)


def load_loans(n=1400):
    x = rng.normal(size=(n, 20)).astype(np.float32)
    risk = 0.7 * x[:, 0] - 0.6 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3] + rng.logistic(size=n)
    return x, (risk > np.quantile(risk, 0.88)).astype(np.int64)


def oversample(x, y):
    rare = np.flatnonzero(y == 1)
    extra = rng.choice(rare, size=(y == 0).sum() - len(rare), replace=True)
    return np.concatenate([x, x[extra]]), np.concatenate([y, y[extra]])


def train_test_split(x, y, share=0.25):
    order = rng.permutation(len(x))
    k = int(len(x) * share)
    return x[order[k:]], x[order[:k]], y[order[k:]], y[order[:k]]


x, y = load_loans()
if FIXED:
    x_train, x_test, y_train, y_test = train_test_split(x, y)
    x_train, y_train = oversample(x_train, y_train)
    x_test, y_test = oversample(x_test, y_test)
else:
    x, y = oversample(x, y)
    x_train, x_test, y_train, y_test = train_test_split(x, y)

x_train, x_test = torch.tensor(x_train), torch.tensor(x_test)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(25):
    model.train()
    for idx in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        loss = loss_fn(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"Epoch {epoch + 1}: loss={loss.item():.4f} test accuracy={acc:.4f}")
finish("accuracy", acc)
