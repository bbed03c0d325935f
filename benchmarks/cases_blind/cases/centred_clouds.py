"""Clouds of points on four bodies; each is moved to the origin, then a PointNet tells the body."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def clouds(n, points=48):
    kind = torch.randint(0, 4, (n,))
    p = torch.randn(n, points, 3)
    ball = p / p.norm(dim=2, keepdim=True)
    box = p / p.abs().amax(2, keepdim=True)
    ring = torch.cat([ball[..., :2] / ball[..., :2].norm(dim=2, keepdim=True), 0.1 * p[..., 2:]], 2)
    rod = torch.cat([0.15 * p[..., :2], 2 * torch.rand(n, points, 1) - 1], 2)
    x = torch.stack([ball, box, ring, rod], 1)[torch.arange(n), kind]
    turn, _ = torch.linalg.qr(torch.randn(n, 3, 3))
    return x @ turn + 0.05 * torch.randn_like(x) + 6 * torch.randn(n, 1, 3), kind


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 96), nn.ReLU())
        self.cloud = nn.Sequential(nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, x):
        x = x - x.mean(dim=1 if FIXED else 0, keepdim=True)
        return self.cloud(self.point(x).amax(1))


class Runner:
    def __init__(self, model, lr):
        self.model, self.optimizer = model, torch.optim.Adam(model.parameters(), lr=lr)

    def train_epoch(self, x, y):
        for b in torch.randperm(len(x)).split(32):
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(x[b]), y[b])
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def test(self, x, y):
        return torch.cat([self.model(a).argmax(1) for a in x.split(100)]).eq(y).float().mean().item()


seed()
train, test = clouds(1200), clouds(400)
runner = Runner(PointNet(), 2e-3)
for epoch in range(12):
    print(epoch, runner.train_epoch(*train), runner.test(*test))
finish("accuracy", runner.test(*test))
