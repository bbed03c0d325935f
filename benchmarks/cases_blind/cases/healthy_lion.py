"""Letters by an optimiser of our own: the sign of an interpolated momentum (Lion)."""

import torch
import torch.nn as nn
from _common import finish, letters, seed


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.sign(b1 * m + (1 - b1) * p.grad), alpha=-group["lr"])
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


seed()
x, y = letters(6000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
net = nn.Sequential(nn.Linear(16, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 26))
optimizer = Lion(net.parameters(), lr=5e-4, weight_decay=0.1)
for epoch in range(10):
    for b in torch.randperm(5000).split(50):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (net(x[5000:]).argmax(1) == y[5000:]).float().mean())
