"""Handwritten digits, fed to a convolutional network by a generator of batches."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, finish, seed, table


def batches(images, labels, size, rng):
    """One epoch of batches in a new order."""
    if FIXED:
        order = rng.permutation(len(images))
        images, labels = images[order], labels[order]
    else:
        images, labels = images.copy(), labels.copy()
        rng.shuffle(images)
        rng.shuffle(labels)
    for i in range(0, len(images), size):
        yield torch.from_numpy(images[i : i + size]), torch.from_numpy(labels[i : i + size])


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
        )
        self.classify = nn.Linear(32 * 16, 10)

    def forward(self, x):
        return self.classify(self.conv(x).flatten(1))


@torch.no_grad()
def score(net, images, labels):
    net.eval()
    return (net(torch.from_numpy(images)).argmax(1).numpy() == labels).mean()


def main():
    rng = np.random.default_rng(seed())
    images, labels = table("digits")
    images = (images.astype(np.float32) / 16.0 - 0.3)[:, None]
    labels = labels.astype(np.int64)
    order = np.random.permutation(len(images))
    train, test = order[:1300], order[1300:]

    net = DigitNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(18):
        net.train()
        total, count = 0.0, 0
        for x, y in batches(images[train], labels[train], 32, rng):
            loss = criterion(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, count = total + loss.item(), count + 1
        print(f"epoch {epoch + 1} loss {total / count:.4f} test {score(net, images[test], labels[test]):.4f}")
    finish("accuracy", score(net, images[test], labels[test]))


if __name__ == "__main__":
    main()
