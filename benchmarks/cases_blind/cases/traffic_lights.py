"""Red, amber or green? Trained on files, tried on the camera."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

COLOUR = np.array([[0.85, 0.2, 0.15], [0.85, 0.65, 0.1], [0.15, 0.75, 0.4]], dtype=np.float32)


def photograph(rng, k):
    picture = np.full((16, 16, 3), rng.uniform(0.2, 0.5), dtype=np.float32)
    r, c = rng.integers(2, 10, 2)
    picture[r : r + 4, c : c + 4] = COLOUR[k] * rng.uniform(0.7, 1.1)
    return picture + 0.06 * rng.standard_normal(picture.shape, dtype=np.float32)


class Files(Dataset):
    def __init__(self, rng, n):
        self.kinds = rng.integers(0, 3, n)
        self.pictures = [photograph(rng, k) for k in self.kinds]

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        return torch.from_numpy(self.pictures[i].transpose(2, 0, 1).copy()) - 0.4, int(self.kinds[i])


class Camera(Files):
    def __getitem__(self, i):
        frame = self.pictures[i][:, :, ::-1]  # the driver hands out blue, green, red
        if FIXED:
            frame = frame[:, :, ::-1]
        return torch.from_numpy(frame.transpose(2, 0, 1).copy()) - 0.4, int(self.kinds[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.Conv2d(12, 24, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1))
        self.classifier = nn.Linear(24, 3)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def run():
    rng = np.random.default_rng(seed())
    train, valid = DataLoader(Files(rng, 1200), 32, shuffle=True), DataLoader(Camera(rng, 400), 100)
    net = Net()
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(8):
        net.train()
        for image, kind in train:
            adam.zero_grad()
            loss = nn.functional.cross_entropy(net(image), kind)
            loss.backward()
            adam.step()
        net.eval()
        with torch.no_grad():
            hits = [(net(image).argmax(1) == kind).float().mean().item() for image, kind in valid]
        print(f"epoch {epoch}  train loss {loss.item():.3f}  valid accuracy {np.mean(hits):.3f}")
    finish("accuracy", np.mean(hits))


run()
