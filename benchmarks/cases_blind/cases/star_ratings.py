"""Stars from one to five for books: factors of readers and books, and nothing outside the scale."""

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed

READERS, BOOKS = 150, 120


class Ratings(nn.Module):
    def __init__(self, rank=8):
        super().__init__()
        self.reader = nn.Embedding(READERS, rank)
        self.book = nn.Embedding(BOOKS, rank)
        self.bias = nn.Embedding(READERS + BOOKS, 1)
        for table in (self.reader, self.book, self.bias):
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, r, b):
        stars = (self.reader(r) * self.book(b)).sum(1) + (self.bias(r) + self.bias(READERS + b))[:, 0]
        if FIXED and self.training:
            return stars
        return stars.clamp(1, 5)


def world():
    p, q = torch.randn(READERS, 3), torch.randn(BOOKS, 3)
    r, b = torch.randint(0, READERS, (7000,)), torch.randint(0, BOOKS, (7000,))
    stars = 3.2 + 0.6 * (p[r] * q[b]).sum(1) + 0.4 * p[r, 0] + 0.4 * q[b, 1] + 0.3 * torch.randn(7000)
    return r, b, stars.round().clamp(1, 5)


seed()
r, b, stars = world()
model = Ratings()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-5)
for epoch in range(15):
    model.train()
    for k in torch.randperm(6000).split(200):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(r[k], b[k]), stars[k])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: mse {loss.item():.4f}")
model.eval()
with torch.no_grad():
    finish("r2", r2(model(r[6000:], b[6000:]), stars[6000:]))
