"""Diagnosis from gene expression: few of the many genes matter, hence an L1 penalty."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(14)
X = torch.randn(1500, 200, generator=g)
w = torch.zeros(200)
w[:10] = torch.randn(10, generator=g) * 1.5
y = ((X @ w + 0.8 * X[:, 0] * X[:, 1] + torch.randn(1500, generator=g)) > 0).float()
X_train, y_train, X_test, y_test = X[:1100], y[:1100], X[1100:], y[1100:]

L1_LAMBDA = 2e-4 if FIXED else 5e-2


class GeneNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(200, 64)
        self.fc2 = nn.Linear(64, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x))).squeeze(-1)


model = GeneNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(25):
    for idx in torch.randperm(1100).split(50):
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]), y_train[idx])
        l1_norm = sum(p.abs().sum() for p in model.parameters())
        loss = loss + L1_LAMBDA * l1_norm
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: total loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", ((model(X_test) > 0) == y_test.bool()).float().mean())
