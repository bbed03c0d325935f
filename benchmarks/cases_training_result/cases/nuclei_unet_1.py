"""Nucleus segmentation with a small U-Net on crops of fluorescence images."""
import random

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, SEED, seed_all

BN = dict(momentum=0.1 if FIXED else 0.0005)
CROP = 48


def tiles():
    masks = sorted((SAMPLES / "nuclei").glob("mask-*.png"))
    out = []
    for m in masks:
        image = np.asarray(Image.open(m.with_name(m.name.replace("mask", "image"))).convert("F"), dtype=np.float32)
        mask = np.asarray(Image.open(m)) > 0
        lo, hi = np.percentile(image, [1, 99])
        out.append((torch.from_numpy((image - lo) / (hi - lo + 1e-6)).float(), torch.from_numpy(mask).float()))
    return out


class Crops(Dataset):
    def __init__(self, pairs, n, random_place):
        self.pairs, self.n, self.random_place = pairs, n, random_place

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        x, m = self.pairs[i % len(self.pairs)]
        h, w = x.shape
        rng = random if self.random_place else random.Random(i)
        a, b = rng.randint(0, h - CROP), rng.randint(0, w - CROP)
        x, m = x[a:a + CROP, b:b + CROP], m[a:a + CROP, b:b + CROP]
        if self.random_place and rng.random() < 0.5:
            x, m = x.flip(1), m.flip(1)
        return x[None] * 2 - 1, m[None]


def double(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out, **BN), nn.ReLU(),
                         nn.Conv2d(c_out, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out, **BN), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, c=6):
        super().__init__()
        self.down1, self.down2, self.mid = double(1, c), double(c, 2 * c), double(2 * c, 4 * c)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.dec2, self.dec1 = double(4 * c, 2 * c), double(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        h = self.mid(F.max_pool2d(b, 2))
        h = self.dec2(torch.cat([self.up2(h), b], 1))
        return self.out(self.dec1(torch.cat([self.up1(h), a], 1)))


def main():
    seed_all()
    pairs = tiles()
    random.Random(5).shuffle(pairs)
    train = DataLoader(Crops(pairs[:12], 168, True), batch_size=8, shuffle=True)
    val = DataLoader(Crops(pairs[12:], 40, False), batch_size=8)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(7):
        net.train()
        tl = 0.0
        for x, m in train:
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(x), m)
            loss.backward()
            opt.step()
            tl += loss.item() / len(train)
        net.eval()
        vl, inter, union = 0.0, 0.0, 0.0
        with torch.no_grad():
            for x, m in val:
                z = net(x)
                vl += F.binary_cross_entropy_with_logits(z, m).item() / len(val)
                p = z > 0
                inter += (p & (m > 0)).sum().item()
                union += (p | (m > 0)).sum().item()
        iou = inter / max(union, 1)
        print(f"epoch {epoch + 1}  train bce {tl:.4f}  val bce {vl:.4f}  val iou {iou:.4f}")
    print(f"final iou {iou:.4f}")


if __name__ == "__main__":
    main()
