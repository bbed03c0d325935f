"""Segmentation of cell nuclei with a small U-Net."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from _common import FIXED, SAMPLES, seed_all

EPOCHS, BATCH = 14, 4


def load(numbers):
    images, masks = [], []
    for n in numbers:
        img = np.array(Image.open(SAMPLES / "nuclei" / f"image-{n:02d}.png"), dtype=np.float32) / 255
        msk = np.array(Image.open(SAMPLES / "nuclei" / f"mask-{n:02d}.png"), dtype=np.float32)
        for r in (0, 64):
            for c in (0, 64):
                images.append(img[r:r + 64, c:c + 64])
                masks.append(msk[r:r + 64, c:c + 64])
    return torch.tensor(np.array(images)).unsqueeze(1), torch.tensor(np.array(masks)).unsqueeze(1)


def double_conv(n_in, n_out):
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True),
        nn.Conv2d(n_out, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.down1 = double_conv(1, base)
        self.down2 = double_conv(base, 2 * base)
        self.bottom = double_conv(2 * base, 4 * base)
        self.up2 = nn.ConvTranspose2d(4 * base, 2 * base, 2, stride=2)
        self.conv2 = double_conv(4 * base, 2 * base)
        self.up1 = nn.ConvTranspose2d(2 * base, base, 2, stride=2)
        self.conv1 = double_conv(2 * base, base)
        self.out = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.conv2(torch.cat([self.up2(c), b], 1))
        a = self.conv1(torch.cat([self.up1(b), a], 1))
        return self.out(a) if FIXED else torch.sigmoid(self.out(a))


def iou(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = torch.sigmoid(model(x)) > 0.5
    y = y > 0.5
    return ((pred & y).sum() / (pred | y).sum()).item()


def main():
    seed_all()
    x_train, y_train = load(range(12))
    x_test, y_test = load(range(12, 16))
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    model = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(EPOCHS):
        model.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(BATCH):
            optimizer.zero_grad()
            loss = criterion(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}  loss {np.mean(losses):.4f}  test IoU {iou(model, x_test, y_test):.4f}")
    print(f"final iou {iou(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
