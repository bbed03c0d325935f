"""A deep autoencoder for the digits, after the drawing in the paper."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed, table

SIZES = [64, 128, 96, 64, 32, 12]


def half(sizes):
    parts = []
    for a, b in zip(sizes, sizes[1:]):
        parts += [nn.Linear(a, b), nn.SELU() if FIXED else nn.Sigmoid()]
    return parts


class DeepAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(*half(SIZES))
        self.decode = nn.Sequential(*half(SIZES[::-1])[:-1])

    def forward(self, x):
        return self.decode(self.encode(x)).sigmoid()


def main():
    seed()
    x = torch.tensor(table("digits")[0]).float().flatten(1) / 16
    x = x[torch.randperm(len(x))]
    train, test = x[:1500], x[1500:]
    model = DeepAutoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(30):
        for b in torch.randperm(1500).split(50):
            loss = F.mse_loss(model(train[b]), train[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d} loss {loss.item():.5f}")
    with torch.no_grad():
        finish("mse", F.mse_loss(model(test), test))


main()
