"""Triage of patients into three levels of urgency; classes are weighted in the loss."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn

seed()
rng = np.random.default_rng(41)
level = rng.choice(3, 5000, p=[0.86, 0.11, 0.03])
centres = rng.normal(size=(3, 8)) * 0.9
x = torch.tensor(centres[level] + rng.normal(size=(5000, 8)), dtype=torch.float32)
y = torch.tensor(level)
x_train, y_train, x_test, y_test = x[:3500], y[:3500], x[3500:], y[3500:]

counts = torch.bincount(y_train).float()
class_weights = counts.sum() / (3 * counts) if FIXED else counts / counts.sum()
print("weights", class_weights.tolist())
criterion = nn.CrossEntropyLoss(weight=class_weights)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    for idx in torch.randperm(3500).split(70):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
with torch.no_grad():
    guess = model(x_test).argmax(1)
recalls = [(guess[y_test == c] == c).float().mean().item() for c in range(3)]
print("recall", recalls)
finish("balanced_accuracy", sum(recalls) / 3)
