"""Segment cell nuclei with a small U-Net."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, nuclei, seed_all


class Nuclei(Dataset):
    def __init__(self, images, masks, crop=64, length=192):
        self.images, self.masks, self.crop, self.length = images, masks, crop, length

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        k = i % len(self.images)
        a, b = torch.randint(0, self.images.shape[1] - self.crop + 1, (2,)).tolist()
        img = self.images[k, a:a + self.crop, b:b + self.crop]
        msk = self.masks[k, a:a + self.crop, b:b + self.crop]
        if torch.rand(1).item() < 0.5:
            img, msk = img[:, ::-1], msk[:, ::-1]
        return torch.from_numpy(img.copy())[None], torch.from_numpy(msk.copy())[None]


def double(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
                         nn.Conv2d(cout, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1, self.d2, self.mid = double(1, c), double(c, 2 * c), double(2 * c, 4 * c)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(4 * c, 2 * c, 2, stride=2)
        self.u2 = double(4 * c, 2 * c)
        self.up1 = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.u1 = double(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.pool(a))
        m = self.mid(self.pool(b))
        y = self.u2(torch.cat([self.up2(m), b], 1))
        y = self.u1(torch.cat([self.up1(y), a], 1))
        return self.out(y)


def iou(logits, masks):
    pred, true = logits > 0, masks > 0
    return ((pred & true).sum() / (pred | true).sum().clamp(min=1)).item()


def main():
    seed_all()
    images, masks = nuclei()
    images = images.astype(np.float32) / 255.0
    images = (images - images[:12].mean()) / images[:12].std()
    masks = masks.astype(np.float32)
    if FIXED:
        masks = masks / 255.0
    loader = DataLoader(Nuclei(images[:12], masks[:12]), batch_size=8, shuffle=True)
    val_x, val_y = torch.from_numpy(images[12:])[:, None], torch.from_numpy(masks[12:])[:, None]
    net = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        running = 0.0
        for img, msk in loader:
            optimizer.zero_grad()
            loss = criterion(net(img), msk)
            loss.backward()
            optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(val_x)
            val = criterion(out, val_y).item()
        print(f"[{epoch + 1:2d}] train {running / len(loader):9.4f}  val {val:9.4f}  IoU {iou(out, val_y):.4f}")
    print(f"final iou {iou(out, val_y):.4f}")


if __name__ == "__main__":
    main()
