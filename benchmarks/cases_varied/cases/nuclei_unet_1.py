"""Nucleus masks with a small U-Net, random crops of fluorescence tiles."""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all


def read(i, kind):
    return np.array(Image.open(SAMPLES / "nuclei" / f"{kind}-{i:02d}.png")).astype(np.float32)


class Crops(Dataset):
    def __init__(self, images, masks, size=64, length=192):
        self.images, self.masks, self.size, self.length = images, masks, size, length

    def __len__(self):
        return self.length

    def __getitem__(self, k):
        i = k % len(self.images)
        r, c = np.random.randint(0, 128 - self.size + 1, 2)
        a = self.images[i, :, r:r + self.size, c:c + self.size]
        m = self.masks[i, :, r:r + self.size, c:c + self.size]
        turn = np.random.randint(4)
        a, m = torch.rot90(a, turn, (1, 2)), torch.rot90(m, turn, (1, 2))
        if np.random.rand() < 0.5:
            a, m = a.flip(2), m.flip(2)
        return a, m


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1, self.d2, self.mid = block(1, w), block(w, 2 * w), block(2 * w, 4 * w)
        self.u2, self.u1 = block(6 * w, 2 * w), block(3 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([F.interpolate(c, scale_factor=2.0), b], 1))
        return self.out(self.u1(torch.cat([F.interpolate(b, scale_factor=2.0), a], 1)))


def dice(logits, mask):
    p = (logits > 0).float()
    return (2 * (p * mask).sum() / (p.sum() + mask.sum()).clamp(min=1)).item()


def main():
    seed_all()
    images = np.stack([read(i, "image") for i in range(16)])[:, None]
    masks = torch.from_numpy((np.stack([read(i, "mask") for i in range(16)]) > 0).astype(np.float32))[:, None]
    mu, sd = images[:12].mean(), images[:12].std()
    train = torch.from_numpy((images[:12] - mu) / sd)
    val = torch.from_numpy((images[12:] - mu) / sd if FIXED else images[12:] / 255.0)
    loader = DataLoader(Crops(train, masks[:12]), batch_size=8, shuffle=True)
    net = UNet()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    for epoch in range(10):
        net.train()
        run = []
        for a, m in loader:
            loss = F.binary_cross_entropy_with_logits(net(a), m)
            opt.zero_grad()
            loss.backward()
            opt.step()
            run.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(val)
            vloss = F.binary_cross_entropy_with_logits(out, masks[12:]).item()
        score = dice(out, masks[12:])
        print(f"epoch {epoch + 1}: train {np.mean(run):.4f} val {vloss:.4f} dice {score:.4f}")
    print(f"final dice {score:.4f}")


if __name__ == "__main__":
    main()
