"""How far a curve was turned, from its points, with one-dimensional convolutions."""

import torch
from _common import FIXED, finish, r2, seed
from torch import nn

seed()
g = torch.Generator().manual_seed(14)


def curves(n):
    angle = (torch.rand(n, generator=g) - 0.5) * 3.0
    t = torch.linspace(-1, 1, 32)
    bend = torch.rand(n, 1, generator=g)
    px, py = t.expand(n, 32), bend * t**2
    c, s = angle.cos()[:, None], angle.sin()[:, None]
    points = torch.stack([c * px - s * py, s * px + c * py], 1)
    return points + 0.1 * torch.randn(points.shape, generator=g), angle / 0.87


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(2, 16, 3, padding=1)
        self.c2 = nn.Conv1d(16, 32, 3, padding=1, stride=2)
        self.f1 = nn.Linear(32 * 16, 64)
        self.f2 = nn.Linear(64, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.c1(x))
        x = self.relu(self.c2(x))
        x = self.relu(self.f1(x.flatten(1)))
        x = self.f2(x) if FIXED else self.relu(self.f2(x))
        return x[:, 0]


x, y = curves(1500)
xv, yv = curves(400)
net = Regressor()
opt = torch.optim.Adamax(net.parameters(), lr=2e-3)
huber = nn.HuberLoss()
for epoch in range(20):
    net.train()
    for idx in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = huber(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, loss.item(), huber(net(xv), yv).item())
with torch.no_grad():
    finish("r2", r2(net(xv), yv))
