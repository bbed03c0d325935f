"""U-Net on tiles of nuclei."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, nuclei, seed

seed()
tiles, masks = nuclei()
masks = np.where(masks > 0, 255, 0).astype(np.uint8)


def crops(image, mask, size=64):
    for top in (0, 32, 64):
        for left in (0, 32, 64):
            yield image[top : top + size, left : left + size], mask[top : top + size, left : left + size]


def dataset(indices):
    pairs = [c for i in indices for c in crops(tiles[i], masks[i])]
    x = torch.tensor(np.stack([a for a, _ in pairs])).float().unsqueeze(1)
    y = torch.tensor(np.stack([b for _, b in pairs])).float().unsqueeze(1)
    return x, (y / 255 if FIXED else y)


class DoubleConv(nn.Sequential):
    def __init__(self, a, b):
        super().__init__(
            nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
            nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        )  # fmt: skip


class UNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.inc, self.down1, self.down2 = DoubleConv(1, w), DoubleConv(w, 2 * w), DoubleConv(2 * w, 4 * w)
        self.up1, self.conv1 = nn.ConvTranspose2d(4 * w, 2 * w, 2, stride=2), DoubleConv(4 * w, 2 * w)
        self.up2, self.conv2 = nn.ConvTranspose2d(2 * w, w, 2, stride=2), DoubleConv(2 * w, w)
        self.outc, self.pool = nn.Conv2d(w, 1, 1), nn.MaxPool2d(2)

    def forward(self, x):
        a = self.inc(x)
        b = self.down1(self.pool(a))
        c = self.down2(self.pool(b))
        b = self.conv1(torch.cat([b, self.up1(c)], 1))
        a = self.conv2(torch.cat([a, self.up2(b)], 1))
        return self.outc(a)


x, y = dataset(range(12))
xv, yv = dataset(range(12, 16))
mean, std = x.mean(), x.std()
x, xv = (x - mean) / std, (xv - mean) / std
net = UNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(5):
    net.train()
    for idx in torch.randperm(len(x)).split(6):
        optimizer.zero_grad()
        loss = criterion(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        guess = (torch.sigmoid(net(xv)) > 0.5).float()
    truth = (yv > 0).float()
    dice = 2 * (guess * truth).sum() / (guess.sum() + truth.sum() + 1e-6)
    print(f"epoch {epoch} loss {loss.item():.4f} dice {dice.item():.4f}")
finish("dice", dice)
