"""Digits with a network whose layers are written by hand."""
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, seed, table


class Dense(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        scale = math.sqrt(2 / inputs) if FIXED else 1.0
        self.weight = nn.Parameter(scale * torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class Network(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList([Dense(a, b) for a, b in zip(sizes[:-1], sizes[1:])])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


def accuracy(out, y):
    return (out.argmax(dim=1) == y).float().mean()


def fit(epochs, model, opt, train_dl, valid):
    for epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
            opt.zero_grad()
        model.eval()
        with torch.no_grad():
            out = model(valid[0])
            val_loss, val_accuracy = F.cross_entropy(out, valid[1]), accuracy(out, valid[1])
        print(f"{epoch} {loss.item():.4f} {val_loss:.4f} {val_accuracy:.4f}")
    return val_accuracy


def main():
    seed()
    x, y = table("digits")
    x = torch.from_numpy(x).float().flatten(1)
    x = (x - x[:1300].mean()) / x[:1300].std()
    y = torch.from_numpy(y)
    train_dl = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=32, shuffle=True)
    model = Network([64, 128, 128, 64, 10])
    opt = torch.optim.SGD(model.parameters(), lr=0.02)
    finish("accuracy", fit(25, model, opt, train_dl, (x[1300:], y[1300:])))


if __name__ == "__main__":
    main()
