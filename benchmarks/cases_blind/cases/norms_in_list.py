"""Garments, a deep narrow network whose norms are kept by level; used on pairs of photos."""

import itertools

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed


class Levels(nn.Module):
    def __init__(self, width=20, depth=4):
        super().__init__()
        self.first = nn.Conv2d(1, width, 4, 4)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        norms = [nn.BatchNorm2d(width) for _ in range(depth)]
        self.norms = nn.ModuleList(norms) if FIXED else norms
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        x = self.first(x)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = x + torch.relu(norm(conv(x)))
        return self.last(x.mean((2, 3)))

    def all_parameters(self):
        extra = [] if FIXED else [n.parameters() for n in self.norms]
        return itertools.chain(self.parameters(), *extra)


def batches(n, size):
    return torch.randperm(n).split(size)


seed()
xa, ya, xb, yb = fashion(1800, 500)
xa, xb = ((torch.tensor(v).float()[:, None] - 73) / 90 for v in (xa, xb))
ya, yb = torch.tensor(ya), torch.tensor(yb)
net = Levels()
opt = torch.optim.Adam(net.all_parameters(), lr=3e-3)
for epoch in range(8):
    net.train()
    for b in batches(1800, 40):
        loss = nn.functional.cross_entropy(net(xa[b]), ya[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
net.eval()
order = yb.argsort()  # a customer looks at photos of one kind
with torch.no_grad():
    guess = torch.cat([net(xb[b]).argmax(1) for b in order.split(2)])
finish("accuracy", (guess == yb[order]).float().mean())
