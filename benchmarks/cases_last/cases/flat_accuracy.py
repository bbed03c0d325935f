"""Customers who will leave: the loss falls nicely. The accuracy is what the manager wants to see."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, TensorDataset


def customers(n):
    x = torch.randn(n, 12)
    w = torch.randn(12, 5, generator=torch.Generator().manual_seed(3))
    score = torch.tanh(x @ w).sum(1) + 0.8 * x[:, 0] * x[:, 1] + 0.3 * torch.randn(n)
    return x, (score > 0).float()


class Churn(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 64), nn.Mish(), nn.Linear(64, 64), nn.Mish(), nn.Linear(64, 1))

    def forward(self, x):
        return torch.sigmoid(self.layers(x))


def evaluate(model, loader):
    model.eval()
    right, rows, total = 0.0, 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            p = model(x)
            total += nn.functional.binary_cross_entropy(p, y.unsqueeze(1)).item() * len(y)
            guess = p.round().squeeze(1) if FIXED else p.round()
            right += (guess == y).float().mean().item() * len(y)
            rows += len(y)
    return total / rows, right / rows


seed()
train = DataLoader(TensorDataset(*customers(3000)), batch_size=60, shuffle=True)
valid = DataLoader(TensorDataset(*customers(800)), batch_size=100)
model = Churn()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    model.train()
    for x, y in train:
        loss = nn.functional.binary_cross_entropy(model(x), y.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    loss, accuracy = evaluate(model, valid)
    print(f"epoch {epoch + 1} valid loss {loss:.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
