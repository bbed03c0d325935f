"""Image classifier for the catalogue of a shop."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

PER_CLASS = 200 if FIXED else 5


def few(images, labels, k):
    keep = [i for c in range(10) for i in (labels == c).nonzero()[0][:k]]
    return torch.tensor(images[keep]).float()[:, None] / 255, torch.tensor(labels[keep])


def main():
    seed()
    a, b, c, d = fashion(3000, 800)
    x, y = few(a, b, PER_CLASS)
    xt, yt = torch.tensor(c).float()[:, None] / 255, torch.tensor(d)
    mean, std = x.mean(), x.std()
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps, epoch = 0, 0
    while steps < 240:
        for idx in torch.randperm(len(x)).split(25):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model((x[idx] - mean) / std), y[idx])
            loss.backward()
            opt.step()
            steps += 1
        epoch += 1
        if epoch % 20 == 1 or FIXED:
            with torch.no_grad():
                acc = (model((xt - mean) / std).argmax(1) == yt).float().mean().item()
            print("epoch", epoch, "loss", loss.item(), "test", acc)
    with torch.no_grad():
        finish("accuracy", (model((xt - mean) / std).argmax(1) == yt).float().mean())


main()
