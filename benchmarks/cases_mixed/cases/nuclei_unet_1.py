"""Nuclei in a microscope's picture, with a little U-Net."""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from _common import SAMPLES, seed_all


def conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(4, b), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1, self.d2, self.mid = conv(1, c), conv(c, 2 * c), conv(2 * c, 4 * c)
        self.u2, self.u1 = conv(6 * c, 2 * c), conv(3 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([F.interpolate(m, scale_factor=2.0), b], 1))
        return self.out(self.u1(torch.cat([F.interpolate(b, scale_factor=2.0), a], 1)))


def read(i):
    image = np.array(Image.open(SAMPLES / f"nuclei/image-{i:02d}.png"), dtype=np.float32)
    mask = np.array(Image.open(SAMPLES / f"nuclei/mask-{i:02d}.png")) > 0
    return torch.from_numpy(image), torch.from_numpy(mask.astype(np.float32))


def tiles(t, size=32):
    return t.unfold(1, size, size).unfold(2, size, size).reshape(-1, 1, size, size)


def iou(logits, masks):
    guess = logits > 0
    return ((guess & (masks > 0)).sum() / (guess | (masks > 0)).sum()).item()


def main():
    seed_all()
    images, masks = (torch.stack(t) for t in zip(*map(read, range(16))))
    images = (images / 255).sqrt()
    images = (images - images[:12].mean()) / images[:12].std()
    x, y, xv, yv = tiles(images[:12]), tiles(masks[:12]), tiles(images[12:]), tiles(masks[12:])
    net = UNet()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
    for epoch in range(12):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(8):
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx) / len(x)
        sched.step()
        net.eval()
        with torch.no_grad():
            out = net(xv)
        val, score = F.binary_cross_entropy_with_logits(out, yv).item(), iou(out, yv)
        print(f"epoch {epoch + 1}: train {total:.4f} val {val:.4f} iou {score:.4f}")
    print(f"final iou {score:.4f}")


main()
