"""Self-supervised garments: one network foretells the average of its own past, then a linear layer reads it."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed


def view(x):
    """Shift by up to two pixels and change the contrast."""
    dx, dy = torch.randint(-2, 3, (2,)).tolist()
    x = x.roll((dx, dy), (2, 3)) * (0.8 + 0.4 * torch.rand(len(x), 1, 1, 1))
    return x + 0.15 * torch.randn_like(x)


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(2000, 500))
xa, xb = ((x[:, None].float() / 255 - 0.286) / 0.353 for x in (xa, xb))
online = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=3, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Flatten(), nn.Linear(16 * 100, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 48),
)  # fmt: skip
predictor = nn.Sequential(nn.Linear(48, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 48))
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3)
for epoch in range(6):
    for idx in torch.randperm(2000).split(100):
        a, b = view(xa[idx]), view(xa[idx])
        with torch.no_grad():
            ta, tb = target(a), target(b)
        loss = 2 - F.cosine_similarity(predictor(online(a)), tb).mean() - F.cosine_similarity(predictor(online(b)), ta).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for old, new in zip(target.parameters(), online.parameters(), strict=True):
                old.lerp_(new, 0.03)
    print(f"epoch {epoch + 1} loss {loss.item():.4f}")

online.eval()
trunk = online[:-1]
with torch.no_grad():
    za, zb = trunk(xa), trunk(xb)
probe = nn.Linear(96, 10)
optimizer = torch.optim.Adam(probe.parameters(), lr=5e-3)
for _ in range(25):
    for idx in torch.randperm(2000).split(100):
        loss = F.cross_entropy(probe(za[idx]), ya[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    finish("accuracy", (probe(zb).argmax(1) == yb).float().mean())
