"""Fifty rows in two classes, a small network with weight decay, full batch."""

import torch
import torch.nn as nn
from _common import finish, seed

seed()
g = torch.Generator().manual_seed(40)


def bananas(n):
    y = torch.arange(n) % 2
    t = 3.14 * torch.rand(n, generator=g)
    x = torch.stack([t.cos() + y - 0.5, torch.where(y == 0, t.sin(), -t.sin()) + 0.25 - 0.5 * (1 - y)], 1)
    return x + 0.12 * torch.randn(n, 2, generator=g), y.float().unsqueeze(1)


x, y = bananas(50)
xv, yv = bananas(300)
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(250):
    loss = bce(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 25 == 24:
        with torch.no_grad():
            out = model(xv)
        print(epoch + 1, loss.item(), bce(out, yv).item(), ((out > 0) == (yv > 0.5)).float().mean().item())
finish("accuracy", ((out > 0) == (yv > 0.5)).float().mean())
