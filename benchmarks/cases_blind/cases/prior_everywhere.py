"""A centre-point detector with focal loss: bright spots on a noisy field."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def scenes(n):
    image, heat = 0.3 * torch.randn(n, 1, 24, 24), torch.zeros(n, 1, 24, 24)
    g = torch.arange(24.0)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, ()))):
            r, c = torch.randint(2, 22, (2,))
            image[i, 0] += 1.2 * torch.exp(-((g[:, None] - r) ** 2 + (g - c) ** 2) / 3)
            heat[i, 0, r, c] = 1
    return image, heat


class Detector(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.score = nn.Conv2d(width, 1, 3, padding=1)
        prior = 0.01
        for m in [self.score] if FIXED else self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.constant_(m.bias, -math.log((1 - prior) / prior))

    def forward(self, x):
        return self.score(self.tower(x))


def focal(score, heat, alpha=0.75, gamma=2.0):
    p = score.sigmoid()
    ce = nn.functional.binary_cross_entropy_with_logits(score, heat, reduction="none")
    pt = torch.where(heat == 1, p, 1 - p)
    weight = torch.where(heat == 1, alpha, 1 - alpha)
    return (weight * (1 - pt) ** gamma * ce).sum() / heat.sum()


def average_precision(score, heat):
    order = score.flatten().argsort(descending=True)
    hit = heat.flatten()[order]
    precision = hit.cumsum(0) / torch.arange(1, len(hit) + 1)
    return (precision * hit).sum() / hit.sum()


seed()
image, heat = scenes(300)
image_test, heat_test = scenes(80)
net = Detector()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for b in torch.randperm(300).split(15):
        loss = focal(net(image[b]), heat[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} focal {loss.item():.4f}")
with torch.no_grad():
    finish("average_precision", average_precision(net(image_test), heat_test))
