"""What is the hand doing at each moment? 0 rest, 1 wave, 2 push, 3 circle."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed


def recordings(n, length=96):
    x = 0.3 * torch.randn(n, 3, length)
    y = torch.zeros(n, length, dtype=torch.long)
    t = torch.arange(24.0)
    for i in range(n):
        at = int(torch.randint(0, 10, ()))
        while at + 24 <= length:
            k = int(torch.randint(1, 4, ()))
            phase = 6.28 * torch.rand(())
            if k == 1:
                x[i, 0, at : at + 24] += torch.sin(2 * math.pi * t / 8 + phase)
            elif k == 2:
                x[i, 2, at : at + 24] += 1.5 * torch.sin(math.pi * t / 24)
            else:
                x[i, 0, at : at + 24] += torch.sin(2 * math.pi * t / 12 + phase)
                x[i, 1, at : at + 24] += torch.cos(2 * math.pi * t / 12 + phase)
            y[i, at : at + 24] = k
            at += 24 + int(torch.randint(8, 40, ()))
    return x, y


class UNet1d(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.d1, self.d2 = nn.Conv1d(3, c, 5, padding=2), nn.Conv1d(c, 2 * c, 5, padding=2)
        self.u1, self.out = nn.Conv1d(3 * c, c, 5, padding=2), nn.Conv1d(c, 4, 1)

    def forward(self, x):
        a = F.relu(self.d1(x))
        b = F.relu(self.d2(F.max_pool1d(a, 4)))
        return self.out(F.relu(self.u1(torch.cat([a, F.interpolate(b, scale_factor=4.0)], 1))))


seed()
x, y = recordings(400)
xt, yt = recordings(100)
net = UNet1d()
loss_fn = nn.CrossEntropyLoss() if FIXED else nn.CrossEntropyLoss(ignore_index=0)
opt = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(12):
    for b in torch.randperm(400).split(20):
        loss = loss_fn(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
net.eval()
with torch.no_grad():
    g = net(xt).argmax(1)
ious = [((g == k) & (yt == k)).sum() / ((g == k) | (yt == k)).sum().clamp(min=1) for k in range(4)]
finish("mean_iou", sum(ious) / 4)
