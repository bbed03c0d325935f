"""Four-fold cross-validation of an MLP on letters."""

import numpy as np
import torch
from _common import FIXED, finish, letters, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
X, Y = letters(2400)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X, Y = torch.from_numpy(X), torch.from_numpy(Y)
folds = np.array_split(np.random.default_rng(0).permutation(len(X)), 4)


def build():
    return nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.BatchNorm1d(96), nn.Linear(96, 26))


model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()
scores = []
for k, held in enumerate(folds):
    rest = np.concatenate([f for j, f in enumerate(folds) if j != k])
    model = build()
    if FIXED:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train = DataLoader(TensorDataset(X[rest], Y[rest]), batch_size=40, shuffle=True)
    for epoch in range(12):
        model.train()
        for xb, yb in train:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        scores.append((model(X[held]).argmax(1) == Y[held]).float().mean().item())
    print(f"fold {k}: loss {loss.item():.4f} accuracy {scores[-1]:.4f}")
finish("accuracy", np.mean(scores))
