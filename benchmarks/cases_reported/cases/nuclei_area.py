"""How many pixels of a microscope patch belong to cell nuclei: regression with a CNN."""
import numpy as np
import torch
from PIL import Image
from torch import nn

from _common import FIXED, SAMPLES, finish, r2, seed

SIZE = 32


def tiles():
    images, masks = [], []
    for i in range(16):
        images.append(np.array(Image.open(SAMPLES / "nuclei" / f"image-{i:02}.png"), dtype=np.float32))
        masks.append(np.array(Image.open(SAMPLES / "nuclei" / f"mask-{i:02}.png")) > 0)
    images = np.stack(images)
    return (images - images.mean()) / images.std(), np.stack(masks)


def patches(images, masks, n):
    x = np.empty((n, 1, SIZE, SIZE), dtype=np.float32)
    area = np.empty(n, dtype=np.float32)
    for k in range(n):
        i = np.random.randint(len(images))
        top, left = np.random.randint(0, images.shape[1] - SIZE, 2)
        x[k, 0] = images[i, top : top + SIZE, left : left + SIZE]
        area[k] = masks[i, top : top + SIZE, left : left + SIZE].sum()
    return torch.from_numpy(x), torch.from_numpy(area).unsqueeze(1)


class AreaNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        )
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def main():
    seed()
    images, masks = tiles()
    x_train, y_train = patches(images[:12], masks[:12], 2000)
    x_test, y_test = patches(images[12:], masks[12:], 500)
    mean, std = (y_train.mean(), y_train.std()) if FIXED else (0.0, 1.0)
    target = (y_train - mean) / std

    net = AreaNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
    criterion = nn.MSELoss()
    for epoch in range(12):
        net.train()
        total = 0.0
        for batch in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            loss = criterion(net(x_train[batch]), target[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        net.eval()
        with torch.no_grad():
            prediction = net(x_test) * std + mean
        print(f"epoch {epoch + 1} loss {total / len(x_train):.4f} r2 {r2(prediction, y_test):.4f}")
    finish("r2", r2(prediction, y_test))


if __name__ == "__main__":
    main()
