"""Nuclei of cells with a U-Net, cross-entropy plus Dice, on random crops of a few tiles."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, nuclei, seed

seed()
images, masks = nuclei()
images = torch.tensor(images).float().unsqueeze(1)
images = (images - images[:12].mean()) / images[:12].std()
masks = (torch.tensor(masks.astype("int64")) > 0).float().unsqueeze(1)


def double(i, o):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1, self.d2, self.mid = double(1, w), double(w, 2 * w), double(2 * w, 4 * w)
        self.u2, self.u1 = double(6 * w, 2 * w), double(3 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([F.interpolate(c, scale_factor=2), b], 1))
        a = self.u1(torch.cat([F.interpolate(b, scale_factor=2), a], 1))
        return self.out(a)


def dice(p, m):
    return (2 * (p * m).sum() + 1) / (p.sum() + m.sum() + 1)


def crops(n, size=48):
    out = []
    for _ in range(n):
        k, r, c = (int(torch.randint(0, top, ())) for top in (12, 129 - size, 129 - size))
        pair = torch.stack([images[k, :, r : r + size, c : c + size], masks[k, :, r : r + size, c : c + size]])
        out.append(torch.rot90(pair, int(torch.randint(0, 4, ())), (2, 3)))
    return torch.stack(out).unbind(1)


net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(1, 201):
    x, m = crops(12)
    logits = net(x)
    loss = F.binary_cross_entropy_with_logits(logits, m) + 1 - dice(torch.sigmoid(logits), m)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 40 == 0:
        net.eval()
        with torch.no_grad():
            score = dice((net(images[12:]) > 0).float(), masks[12:]).item()
        net.train()
        print(f"step {step} loss {loss.item():.3f} dice {score:.3f}")
finish("dice", score)
