"""Embeddings of garments from triplets: the anchor's own kind is to be nearer than another."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

MARGIN = 1.0


class Embedder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, dim))

    def forward(self, x):
        return self.net(x)


def triplet_loss(anchor, positive, negative):
    near = (anchor - positive).square().sum(1)
    far = (anchor - negative).square().sum(1)
    loss = near - far + MARGIN
    return loss.clamp(min=0).mean() if FIXED else loss.mean()


def recall_at_one(model, x, y):
    with torch.no_grad():
        z = model(x)
    distance = torch.cdist(z, z).fill_diagonal_(float("inf"))
    return (y[distance.argmin(1)] == y).float().mean().item()


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(2000, 600))
xa, xb = ((x.flatten(1).float() / 255 - 0.286) / 0.353 for x in (xa, xb))
by_class = [(ya == k).nonzero().squeeze(1) for k in range(10)]
model = Embedder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(1, 801):
    kinds = torch.rand(64, 10).argsort(1)[:, :2]
    draw = [[by_class[k][torch.randint(len(by_class[k]), (2,))] for k in pair] for pair in kinds.tolist()]
    anchor, positive, negative = (
        xa[torch.stack([d[0][0] for d in draw])],
        xa[torch.stack([d[0][1] for d in draw])],
        xa[torch.stack([d[1][0] for d in draw])],
    )
    loss = triplet_loss(model(anchor), model(positive), model(negative))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f} recall@1 {recall_at_one(model, xb, yb):.4f}")
finish("recall_at_1", recall_at_one(model, xb, yb))
