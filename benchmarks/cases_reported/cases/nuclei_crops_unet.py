"""Nuclei of a fluorescence image, outlined pixel by pixel with a little U-Net."""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, finish, seed

CROP = 64


class Nuclei(Dataset):
    def __init__(self, numbers, length):
        self.length = length
        self.pairs = []
        for i in numbers:
            image = np.array(Image.open(SAMPLES / "nuclei" / f"image-{i:02}.png"), dtype=np.float32)
            mask = np.array(Image.open(SAMPLES / "nuclei" / f"mask-{i:02}.png"))
            mask = np.where(mask > 0, 255, 0).astype(np.float32)
            if FIXED:
                mask = mask / 255
            self.pairs.append((torch.from_numpy(image / 255)[None], torch.from_numpy(mask)[None]))

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        image, mask = self.pairs[index % len(self.pairs)]
        top, left = np.random.randint(0, image.shape[-1] - CROP, 2)
        rows, columns = slice(top, top + CROP), slice(left, left + CROP)
        return image[:, rows, columns], mask[:, rows, columns]


def double(n_in, n_out):
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(),
        nn.Conv2d(n_out, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down1, self.down2 = double(1, width), double(width, 2 * width)
        self.bottom = double(2 * width, 4 * width)
        self.up2, self.up1 = double(6 * width, 2 * width), double(3 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.up2(torch.cat([b, F.interpolate(c, scale_factor=2)], 1))
        a = self.up1(torch.cat([a, F.interpolate(b, scale_factor=2)], 1))
        return self.out(a)


def dice(guess, truth):
    return 2 * (guess & truth).sum() / (guess.sum() + truth.sum())


def main():
    seed()
    loader = DataLoader(Nuclei(range(12), 240), batch_size=8, shuffle=True)
    held_out = list(DataLoader(Nuclei(range(12, 16), 40), batch_size=8))
    net, criterion = UNet(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(5):
        net.train()
        for image, mask in loader:
            optimizer.zero_grad()
            loss = criterion(net(image), mask)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            scores = [dice(net(image) > 0, mask > 0.5).item() for image, mask in held_out]
        print(f"epoch {epoch + 1} loss {loss.item():.4f} dice {np.mean(scores):.4f}")
    finish("dice", np.mean(scores))


if __name__ == "__main__":
    main()
