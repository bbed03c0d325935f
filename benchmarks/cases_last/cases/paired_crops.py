"""Nuclei: tiles and masks go through a random crop and flips, a small encoder-decoder learns the mask."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, nuclei, seed
from torch.utils.data import DataLoader, Dataset


class RandomCropFlip:
    def __init__(self, size):
        self.size = size

    def draw(self, height, width):
        return random.randint(0, height - self.size), random.randint(0, width - self.size), random.random() < 0.5

    def __call__(self, picture, params=None):
        top, left, flip = params or self.draw(*picture.shape[-2:])
        picture = picture[..., top : top + self.size, left : left + self.size]
        return picture.flip(-1) if flip else picture


class Tiles(Dataset):
    def __init__(self, images, masks, transform, length):
        self.images, self.masks, self.transform, self.length = images, masks, transform, length

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        image, mask = self.images[i % len(self.images)], self.masks[i % len(self.masks)]
        params = self.transform.draw(*image.shape[-2:]) if FIXED else None
        return self.transform(image, params), self.transform(mask, params)


class Net(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv2d(c, 2 * c, 3, padding=1), nn.BatchNorm2d(2 * c), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.last = nn.Conv2d(2 * c, 1, 3, padding=1)

    def forward(self, x):
        skip = self.down1(x)
        x = self.down2(F.max_pool2d(skip, 2))
        return self.last(torch.cat([skip, F.relu(self.up(x))], 1))


def iou(model, images, masks):
    model.eval()
    with torch.no_grad():
        out = model(images) > 0
    true = masks > 0.5
    return (out & true).sum() / (out | true).sum()


seed()
images, masks = nuclei()
images = (torch.tensor(images).float() / 255)[:, None]
images = (images - images[:12].mean()) / images[:12].std()
masks = (torch.tensor(masks.astype("int64")) > 0).float()[:, None]
train_set = Tiles(images[:12], masks[:12], RandomCropFlip(64), 240)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    model.train()
    for x, y in DataLoader(train_set, batch_size=12, shuffle=True):
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} iou {iou(model, images[12:], masks[12:]):.4f}")
finish("iou", iou(model, images[12:], masks[12:]))
