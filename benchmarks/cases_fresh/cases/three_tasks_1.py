"""One trunk and three towers: which garment, how much ink, and whether it is symmetric."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed

seed()
x, y, xt, yt = fashion(2000, 500)
x, xt = (torch.tensor(a).float().flatten(1) / 255 for a in (x, xt))


def targets(images, labels):
    ink = images.mean(1)
    half = (images.view(-1, 28, 28) - images.view(-1, 28, 28).flip(2)).abs().mean((1, 2))
    return {"garment": torch.tensor(labels), "ink": (ink - 0.286) / 0.14, "even": (half < 0.12).float()}


t, tt = targets(x, y), targets(xt, yt)


class Tower(nn.Sequential):
    def __init__(self, out):
        super().__init__(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, out))


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(784, 64), nn.ReLU())
        towers = {"garment": Tower(10), "ink": Tower(1), "even": Tower(1)}
        self.towers = nn.ModuleDict(towers) if FIXED else towers

    def forward(self, x):
        h = self.trunk((x - 0.286) / 0.353)
        return {name: tower(h) for name, tower in self.towers.items()}


def criterion(out, goal):
    return (
        F.cross_entropy(out["garment"], goal["garment"])
        + F.mse_loss(out["ink"].squeeze(1), goal["ink"])
        + F.binary_cross_entropy_with_logits(out["even"].squeeze(1), goal["even"])
    )


net = MultiTask()
opt = torch.optim.Adam(net.parameters(), lr=5e-4)
for epoch in range(10):
    net.train()
    for i in torch.randperm(2000).split(50):
        loss = criterion(net(x[i]), {k: v[i] for k, v in t.items()})
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(xt)
        acc = (out["garment"].argmax(1) == tt["garment"]).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} val {criterion(out, tt).item():.3f} garment {acc:.3f}")
finish("val_loss", criterion(out, tt))
