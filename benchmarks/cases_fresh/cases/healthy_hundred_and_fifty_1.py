"""A hundred and fifty kinds of synthetic spectra, with a cosine head."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, seed
from torch.utils.data import DataLoader, TensorDataset

seed()
g = torch.Generator().manual_seed(150)
CLASSES = 150
lines = torch.rand(CLASSES, 5, generator=g) * 64
axis = torch.arange(64.0)


def spectra(n):
    y = torch.randint(0, CLASSES, (n,), generator=g)
    height = 0.5 + torch.rand(n, 5, 1, generator=g)
    peaks = height * torch.exp(-((axis - lines[y].unsqueeze(-1)) ** 2) / 4)
    return (peaks.sum(1) + 0.35 * torch.randn(n, 64, generator=g) - 0.27) / 0.54, y


class CosineHead(nn.Module):
    def __init__(self, dim, classes, scale=16.0):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(classes, dim) * 0.1), scale

    def forward(self, h):
        return self.scale * F.normalize(h, dim=1) @ F.normalize(self.weight, dim=1).T


train, (xv, yv) = TensorDataset(*spectra(6000)), spectra(1500)
net = nn.Sequential(nn.Linear(64, 128), nn.LayerNorm(128), nn.GELU(), nn.Linear(128, 64), CosineHead(64, CLASSES))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)
for epoch in range(10):
    net.train()
    for xb, yb in DataLoader(train, batch_size=100, shuffle=True):
        opt.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        out = net(xv)
    acc = (out.argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} val {F.cross_entropy(out, yv).item():.3f} top1 {acc:.3f}")
finish("accuracy", acc)
