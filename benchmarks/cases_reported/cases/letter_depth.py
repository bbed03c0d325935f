"""Printed letters told apart by a network whose depth is an option."""
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, letters, seed


class Classifier(nn.Module):
    def __init__(self, n_in, n_out, options):
        super().__init__()
        hidden = []
        width = n_in
        for _ in range(options.layers):
            hidden.append(nn.Sequential(nn.Linear(width, options.hidden), nn.Tanh()))
            width = options.hidden
        self.hidden = nn.ModuleList(hidden) if FIXED else hidden
        self.classifier = nn.Linear(width, n_out)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.classifier(x)


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rate", type=float, default=3e-3)
    return parser.parse_args()


def main():
    seed()
    opt = options()
    x, y = letters(9000)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    cut = 7000
    x = (x - x[:cut].mean(0)) / x[:cut].std(0)
    train = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=64, shuffle=True)

    model = Classifier(16, 26, opt)
    optimizer = torch.optim.Adam(model.parameters(), lr=opt.rate)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(opt.epochs):
        model.train()
        total = 0.0
        for xb, yb in train:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            out = model(x[cut:])
            accuracy = (out.argmax(1) == y[cut:]).float().mean()
        print(f"{epoch + 1:2d} loss {total / cut:.4f} val loss {criterion(out, y[cut:]):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
