"""Metric learning: batch-hard triplets (Hermans et al.), P classes times K images a batch, soft margin."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed

seed()
a, b, c, d = fashion(3000, 600)
x, xt = (torch.tensor(v).float()[:, None] / 255 for v in (a, c))
y, yt = torch.tensor(b), torch.tensor(d)
members = [torch.nonzero(y == k).flatten() for k in range(10)]


def pk_batches(p=6, k=8, count=40):
    for _ in range(count):
        classes = torch.randperm(10)[:p].tolist()
        yield torch.cat([members[c][torch.randperm(len(members[c]))[:k]] for c in classes])


def batch_hard(embeddings, labels):
    distance = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None]
    hardest_positive = distance.masked_fill(~same, 0).amax(1)
    hardest_negative = distance.masked_fill(same, 1e9).amin(1)
    return F.softplus(hardest_positive - hardest_negative).mean()


net = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(),
    nn.Linear(64, 24),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    net.train()
    for idx in pk_batches():
        loss = batch_hard(net(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        nearest = torch.cdist(net(xt), net(x)).topk(5, largest=False).indices
        acc = (F.one_hot(y[nearest], 10).sum(1).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} knn {acc:.4f}")
finish("knn_accuracy", acc)
