"""The letters come in six files that don't fit into memory at once."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed

FILES, EPOCHS = 6, 6


def read():
    x, y = letters(6000)
    x = torch.tensor((x - x.mean(0)) / x.std(0))
    return x, torch.tensor(y)


def open_file(x, y, k):
    """Each file holds a stretch of the alphabet."""
    mine = y * FILES // 26 == k
    return x[mine], y[mine]


class Trainer:
    def __init__(self, model):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=2e-3)

    def pass_over(self, x, y):
        for b in torch.randperm(len(x)).split(50):
            self.opt.zero_grad()
            loss = nn.functional.cross_entropy(self.model(x[b]), y[b])
            loss.backward()
            self.opt.step()
        return loss.item()


if __name__ == "__main__":
    seed()
    x, y = read()
    x, y, xt, yt = x[:5000], y[:5000], x[5000:], y[5000:]
    model = nn.Sequential(nn.Linear(16, 100), nn.ReLU(), nn.Linear(100, 26))
    trainer = Trainer(model)
    if FIXED:
        for epoch in range(EPOCHS):
            print("epoch", epoch, trainer.pass_over(x, y))
    else:
        for k in range(FILES):
            part = open_file(x, y, k)
            for epoch in range(EPOCHS):
                print("file", k, "epoch", epoch, trainer.pass_over(*part))
    with torch.no_grad():
        finish("accuracy", (model(xt).argmax(1) == yt).float().mean())
