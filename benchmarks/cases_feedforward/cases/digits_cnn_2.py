"""Digits with geometric augmentation on the fly."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, TABLES, seed_all

if FIXED:
    AUG = dict(degrees=8, translate=0.05, scale=0.05, noise=0.05)
else:
    AUG = dict(degrees=180, translate=0.5, scale=0.5, noise=1.0)


def augment(x, degrees, translate, scale, noise):
    n = len(x)
    angle = (2 * torch.rand(n) - 1) * math.radians(degrees)
    zoom = 1 + (2 * torch.rand(n) - 1) * scale
    shift = (2 * torch.rand(n, 2) - 1) * 2 * translate
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * zoom
    theta[:, 0, 1] = -torch.sin(angle) * zoom
    theta[:, 1, 0] = torch.sin(angle) * zoom
    theta[:, 1, 1] = torch.cos(angle) * zoom
    theta[:, :, 2] = shift
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, align_corners=False, padding_mode="border")
    return moved + noise * torch.randn_like(x)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def main():
    seed_all()
    d = np.load(TABLES / "digits.npz")
    x = torch.from_numpy(d["x"]).float().unsqueeze(1)
    y = torch.from_numpy(d["y"])
    order = torch.from_numpy(np.random.RandomState(17).permutation(len(y)))
    train, val = order[:1400], order[1400:]
    x = (x - x[train].mean()) / x[train].std()
    net = ConvNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(15):
        net.train()
        losses = []
        for idx in train[torch.randperm(len(train))].split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(augment(x[idx], **AUG)), y[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            acc = (net(x[val]).argmax(1) == y[val]).float().mean().item()
        print(f"epoch {epoch + 1}  train loss {np.mean(losses):.4f}  val accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
