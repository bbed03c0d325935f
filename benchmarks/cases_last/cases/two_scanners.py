"""Pictures of two scanners; a batch is read from one scanner at a time because each has its own archive."""

import random

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed


def scanner(x, kind):
    """The second scanner gives dark pictures of little contrast, turned to negative."""
    return x if kind == 0 else -0.25 * x - 2.0


def batches(parts, size):
    """Yield batches of each archive in random order, or of both together."""
    if FIXED:
        x, y = (torch.cat(part) for part in zip(*parts, strict=True))
        for idx in torch.randperm(len(y)).split(size):
            yield x[idx], y[idx]
        return
    plan = [(kind, idx) for kind in (0, 1) for idx in torch.randperm(len(parts[kind][1])).split(size)]
    random.shuffle(plan)
    for kind, idx in plan:
        yield parts[kind][0][idx], parts[kind][1][idx]


def layer(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride=2, padding=1), nn.BatchNorm2d(o), nn.ReLU())


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(2000, 600))
xa, xb = ((x[:, None].float() / 255 - 0.286) / 0.353 for x in (xa, xb))
train = [(scanner(xa[k::2], k), ya[k::2]) for k in (0, 1)]
test = [(scanner(xb[k::2], k), yb[k::2]) for k in (0, 1)]
model = nn.Sequential(layer(1, 16), layer(16, 32), nn.Flatten(), nn.Linear(32 * 49, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    for x, y in batches(train, 40):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        scores = [(model(x).argmax(1) == y).float().mean().item() for x, y in test]
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {scores[0]:.3f} {scores[1]:.3f}")
finish("accuracy", sum(scores) / 2)
