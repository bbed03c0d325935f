"""Small residual network with batch-wise affine augmentation."""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, SAMPLES, seed_all

AUGMENT = dict(degrees=8, shift=0.05, zoom=0.1, noise=0.05) if FIXED else dict(degrees=180, shift=0.6, zoom=0.9, noise=0.8)


def augment(x, degrees, shift, zoom, noise):
    n = len(x)
    angle = (torch.rand(n) * 2 - 1) * degrees * math.pi / 180
    scale = 1 + (torch.rand(n) * 2 - 1) * zoom
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = angle.cos() / scale
    theta[:, 0, 1], theta[:, 1, 0] = -angle.sin() / scale, angle.sin() / scale
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * shift
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    moved = F.grid_sample(x + 0.81, grid, align_corners=False) - 0.81
    return moved + noise * torch.randn_like(moved)


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.short = nn.Conv2d(cin, cout, 1, stride) if stride > 1 or cin != cout else nn.Identity()

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.short(x))


def resnet():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
        BasicBlock(12, 12, 1), BasicBlock(12, 24, 2), BasicBlock(24, 32, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        x, x_val = (((torch.from_numpy(d[k]).float() / 255) - 0.286).unsqueeze(1) / 0.353 for k in ("x_train", "x_test"))
        y, y_val = (torch.from_numpy(d[k].astype(np.int64)) for k in ("y_train", "y_test"))
    net = resnet()
    epochs, size = 5, 64
    steps = epochs * (len(x) // size)
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        order = torch.randperm(len(x))[:len(x) // size * size]
        for idx in order.view(-1, size):
            out = net(augment(x[idx], **AUGMENT))
            loss = F.cross_entropy(out, y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        acc = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1}/{epochs} train {total / (len(x) // size):.4f} val {F.cross_entropy(out, y_val).item():.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
