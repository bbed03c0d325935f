"""Nuclei with a U-Net of one level: batches of two, gradients accumulated over four of them."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from _common import SAMPLES, seed_all

MICRO_BATCH, ACCUMULATE, EPOCHS = 2, 4, 10


def read(n):
    folder = SAMPLES / "nuclei"
    image = np.asarray(Image.open(folder / f"image-{n:02d}.png"), dtype=np.float32) / 255
    mask = np.asarray(Image.open(folder / f"mask-{n:02d}.png"), dtype=np.float32)
    return torch.from_numpy(image)[None], torch.from_numpy(mask)[None]


def tiles(numbers, size=64):
    x, y = [], []
    for n in numbers:
        image, mask = read(n)
        for r in range(0, 128, size):
            for c in range(0, 128, size):
                x.append(image[:, r:r + size, c:c + size])
                y.append(mask[:, r:r + size, c:c + size])
    return torch.stack(x), torch.stack(y)


def conv(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.GroupNorm(4, n_out), nn.ReLU())


class SmallUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(conv(1, 12), conv(12, 12))
        self.mid = nn.Sequential(conv(12, 24), conv(24, 24))
        self.dec = conv(36, 12)
        self.out = nn.Conv2d(12, 1, 1)

    def forward(self, x):
        a = self.enc(x)
        b = F.interpolate(self.mid(F.max_pool2d(a, 2)), scale_factor=2)
        return self.out(self.dec(torch.cat([a, b], 1)))


def loss_fn(logits, y):
    p = torch.sigmoid(logits)
    dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, y) + dice


def main():
    seed_all()
    x_train, y_train = tiles(range(12))
    x_test, y_test = tiles(range(12, 16))
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    net = SmallUNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        optimizer.zero_grad()
        for i, idx in enumerate(torch.randperm(len(x_train)).split(MICRO_BATCH), 1):
            loss = loss_fn(net(x_train[idx]), y_train[idx])
            (loss / ACCUMULATE).backward()
            total += loss.item()
            if i % ACCUMULATE == 0:
                optimizer.step()
                optimizer.zero_grad()
        net.eval()
        with torch.no_grad():
            pred, truth = net(x_test) > 0, y_test > 0.5
        iou = ((pred & truth).sum() / (pred | truth).sum()).item()
        print(f"epoch {epoch + 1}  loss {total * MICRO_BATCH / len(x_train):.4f}  IoU {iou:.4f}")
    print(f"final iou {iou:.4f}")


if __name__ == "__main__":
    main()
