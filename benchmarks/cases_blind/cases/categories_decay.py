"""A factorisation machine for clicks, with L2 in the optimiser to be on the safe side."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

FIELDS = [40, 60, 12, 7, 25]


class DeepFM(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.register_buffer("offset", torch.tensor([0, *FIELDS[:-1]]).cumsum(0))
        self.first = nn.Embedding(sum(FIELDS), 1)
        self.second = nn.Embedding(sum(FIELDS), dim)
        nn.init.normal_(self.second.weight, std=0.1)
        self.deep = nn.Sequential(nn.Linear(dim * len(FIELDS), 32), nn.ReLU(), nn.Linear(32, 1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        x = x + self.offset
        v = self.second(x)
        pairs = 0.5 * (v.sum(1) ** 2 - (v**2).sum(1)).sum(1)
        return self.bias + self.first(x).sum((1, 2)) + pairs + self.deep(v.flatten(1))[:, 0]


def clicks(n, taste):
    x = torch.stack([torch.randint(0, f, (n,)) for f in FIELDS], 1)
    z = (taste[0][x[:, 0]] * taste[1][x[:, 1]]).sum(1) + taste[2][x[:, 2], 0] - taste[3][x[:, 3], 1]
    return x, (torch.rand(n) < torch.sigmoid(2 * z)).float()


def accuracy(model, x, y):
    with torch.no_grad():
        return ((model(x) > 0).float() == y).float().mean().item()


seed()
taste = [torch.randn(f, 3) for f in FIELDS]
x, y = clicks(9000, taste)
model = DeepFM()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5 if FIXED else 5e-2)
for epoch in range(6):
    for b in torch.randperm(8000).split(100):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} test {accuracy(model, x[8000:], y[8000:]):.4f}")
finish("accuracy", accuracy(model, x[8000:], y[8000:]))
