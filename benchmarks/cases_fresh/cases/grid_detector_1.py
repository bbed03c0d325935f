"""A fully convolutional network marks the cells of a grid in which something faint stands."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(8)


def scenes(n):
    cells = (torch.rand(n, 1, 10, 10, generator=g) < 0.012).float()
    big = cells.repeat_interleave(4, 2).repeat_interleave(4, 3)
    pattern = torch.tensor([[1.0, -1, 1, -1], [-1, 1, -1, 1], [1, -1, 1, -1], [-1, 1, -1, 1]]).repeat(10, 10)
    return torch.randn(n, 1, 40, 40, generator=g) + 0.55 * big * pattern, cells


x, y = scenes(500)
xv, yv = scenes(200)


class Grid(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 4, stride=4)
        self.mid = nn.Conv2d(16, 16, 1)
        self.obj = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        return self.obj(torch.relu(self.mid(torch.relu(self.stem(x)))))


def f1(logits, target):
    guess = logits > 0
    hit = (guess & (target == 1)).sum().item()
    return 2 * hit / max(1, guess.sum().item() + target.sum().item())


net = Grid()
loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(12.0) if FIXED else None)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(15):
    for idx in torch.randperm(500).split(20):
        opt.zero_grad()
        loss = loss_fn(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
    with torch.no_grad():
        score = f1(net(xv), yv)
    print(epoch, round(loss.item(), 4), "F1", round(score, 3))
finish("f1", score)
