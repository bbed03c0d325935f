"""Garments; everything that can be set stands in one place."""

from collections import namedtuple

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn, optim

Settings = namedtuple("Settings", "lr momentum batch epochs")
S = Settings(lr=0.01, momentum=0.9, batch=32, epochs=5)


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def make_optimizer(model):
    if FIXED:
        return optim.SGD(model.parameters(), S.lr, S.momentum)
    return optim.SGD(model.parameters(), S.momentum, S.lr)


def main():
    seed()
    xa, ya, xb, yb = fashion(2000, 500)
    xa, xb = (torch.tensor(x[:, None]) / 255 for x in (xa, xb))
    ya, yb = torch.tensor(ya), torch.tensor(yb)
    model = make_model()
    optimizer = make_optimizer(model)
    for epoch in range(S.epochs):
        model.train()
        perm, total = torch.randperm(len(xa)), 0.0
        for i in range(0, len(xa), S.batch):
            idx = perm[i : i + S.batch]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xa[idx]), ya[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch + 1}/{S.epochs}  loss {total / len(xa):.4f}")
    model.eval()
    with torch.no_grad():
        finish("accuracy", (model(xb).argmax(1) == yb).float().mean())


main()
