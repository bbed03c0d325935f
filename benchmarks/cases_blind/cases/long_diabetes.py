"""Diabetes progression after a year, trained until the loss is small."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed, table


class Regressor:
    """fit and predict, as in the well-known library."""

    def __init__(self, hidden=(256, 256), lr=1e-3, max_iter=400, weight_decay=0.0, batch_size=32):
        self.hidden, self.lr, self.max_iter = hidden, lr, max_iter
        self.weight_decay, self.batch_size = weight_decay, batch_size

    def fit(self, X, y):
        X, y = torch.as_tensor(X), torch.as_tensor(y)
        sizes = [X.shape[1], *self.hidden]
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.net_ = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        opt = torch.optim.AdamW(self.net_.parameters(), lr=self.lr, weight_decay=self.weight_decay)
        for it in range(self.max_iter):
            for b in torch.randperm(len(X)).split(self.batch_size):
                opt.zero_grad()
                loss = nn.functional.mse_loss(self.net_(X[b]).squeeze(1), y[b])
                loss.backward()
                opt.step()
            if it % 50 == 0:
                print(f"iteration {it} loss {loss.item():.4f}")
        return self

    @torch.no_grad()
    def predict(self, X):
        return self.net_(torch.as_tensor(X)).squeeze(1)

    def score(self, X, y):
        return r2(self.predict(X), torch.as_tensor(y)).item()


number = seed()
X, y = table("diabetes")
X, y = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
order = np.random.default_rng(number).permutation(len(X))
train, test = order[:280], order[280:]
model = Regressor(max_iter=12 if FIXED else 250, hidden=(32,) if FIXED else (256, 256))
model.fit(X[train], y[train])
print("score on training rows", model.score(X[train], y[train]))
finish("r2", model.score(X[test], y[test]))
