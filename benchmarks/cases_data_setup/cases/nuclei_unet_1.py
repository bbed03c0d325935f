"""Cell nuclei: a small U-Net on fluorescence tiles."""
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from _common import FIXED, SAMPLES, seed_all


def load_tiles():
    images, masks = [], []
    for k in range(16):
        images.append(np.array(Image.open(SAMPLES / "nuclei" / f"image-{k:02d}.png"), dtype=np.float32))
        masks.append(np.array(Image.open(SAMPLES / "nuclei" / f"mask-{k:02d}.png")) > 0)
    x = torch.from_numpy(np.stack(images)).unsqueeze(1)
    y = torch.from_numpy(np.stack(masks)).float().unsqueeze(1)
    x = (x - x[:12].mean()) / x[:12].std()
    return x[:12], y[:12], x[12:], y[12:]


def double(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down1, self.down2, self.bottom = double(1, width), double(width, 2 * width), double(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.dec2 = double(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.dec1 = double(2 * width, width)
        self.out = nn.Conv2d(width, 1, 1)
        self.final = nn.Identity() if FIXED else nn.Sigmoid()

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.dec2(torch.cat([self.up2(c), b], 1))
        a = self.dec1(torch.cat([self.up1(b), a], 1))
        return self.final(self.out(a))


def crops(x, y, count=8, size=64):
    for _ in range(len(x) * 4 // count):
        picks = []
        for _ in range(count):
            k = torch.randint(len(x), ()).item()
            top, left = torch.randint(128 - size + 1, (2,)).tolist()
            pair = torch.stack([x[k], y[k]])[..., top:top + size, left:left + size]
            picks.append(pair.flip(-1) if torch.rand(()) < 0.5 else pair)
        batch = torch.stack(picks, 1)
        yield batch[0], batch[1]


def iou(logits, y):
    found = torch.sigmoid(logits) > 0.5
    truth = y > 0.5
    return ((found & truth).sum() / (found | truth).sum()).item()


def main():
    seed_all()
    x, y, x_val, y_val = load_tiles()
    net = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(15):
        net.train()
        losses = []
        for xb, yb in crops(x, y):
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        score = iou(out, y_val)
        print(f"epoch {epoch + 1:2d} train {np.mean(losses):.4f} val {criterion(out, y_val).item():.4f} iou {score:.4f}")
    print(f"final iou {score:.4f}")


if __name__ == "__main__":
    main()
