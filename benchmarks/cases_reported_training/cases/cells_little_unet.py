"""Where are the nuclei? A small U-Net over crops of a fluorescence image."""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from _common import FIXED, SAMPLES, finish, seed


def double(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = double(1, 8), double(8, 16), double(16, 32)
        self.up2, self.up1 = double(48, 16), double(24, 8)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.middle(F.max_pool2d(b, 2))
        b = self.up2(torch.cat([b, F.interpolate(c, scale_factor=2)], 1))
        a = self.up1(torch.cat([a, F.interpolate(b, scale_factor=2)], 1))
        logits = self.out(a)
        return logits if FIXED else torch.sigmoid(logits)


def read(kind):
    files = sorted((SAMPLES / "nuclei").glob(f"{kind}-*.png"))
    return torch.from_numpy(np.stack([np.asarray(Image.open(f)) for f in files])).float().unsqueeze(1)


def dice(net, x, y):
    net.eval()
    with torch.no_grad():
        mask = (torch.sigmoid(net(x)) > 0.5).float()
    return (2 * (mask * y).sum() / (mask.sum() + y.sum())).item()


def main():
    seed()
    images, masks = read("image"), read("mask")
    images = (images - images[:12].mean()) / images[:12].std()
    net = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(10):
        net.train()
        total = 0.0
        for _ in range(12):
            which = torch.randint(12, (8,)).tolist()
            top, left = torch.randint(65, (2, 8)).tolist()
            x = torch.stack([images[i, :, t : t + 64, s : s + 64] for i, t, s in zip(which, top, left)])
            y = torch.stack([masks[i, :, t : t + 64, s : s + 64] for i, t, s in zip(which, top, left)])
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        score = dice(net, images[12:], masks[12:])
        print(f"epoch {epoch + 1} loss {total / 12:.4f} dice {score:.4f}")
    finish("dice", score)


if __name__ == "__main__":
    main()
