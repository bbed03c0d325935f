"""Adversarial training: each batch is first moved against the network, then learnt."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed

EPS = 0.05


def attack(model, x, y):
    """Return the batch moved by EPS along the sign of its gradient."""
    x = (x + EPS * (2 * torch.rand_like(x) - 1)).clamp(0, 1).requires_grad_()
    F.cross_entropy(model(x), y).backward()
    return (x + EPS * x.grad.sign()).detach().clamp(0, 1)


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(3000, 500))
xa, xb = xa[:, None].float() / 255, xb[:, None].float() / 255
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
for epoch in range(7):
    for idx in torch.randperm(len(xa)).split(50):
        x = attack(model, xa[idx], ya[idx])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), ya[idx])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1} loss of attacked batches {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(xb).argmax(1) == yb).float().mean())
