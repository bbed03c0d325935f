"""Fashion images with a small residual network and SGD."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.a = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.b = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.na, self.nb = nn.BatchNorm2d(c_out), nn.BatchNorm2d(c_out)
        self.skip = nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    def forward(self, x):
        h = torch.relu(self.na(self.a(x)))
        return torch.relu(self.nb(self.b(h)) + self.skip(x))


def resnet():
    return nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), Block(8, 16, 2), Block(16, 32, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def tensors(d, part):
    x = torch.from_numpy(d[f"x_{part}"]).float().reshape(-1, 1, 28, 28).div(255).sub(0.286).div(0.353)
    return TensorDataset(x, torch.from_numpy(d[f"y_{part}"]).long())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--momentum", type=float, default=0.9 if FIXED else 0.998)
    p.add_argument("--epochs", type=int, default=5)
    args = p.parse_args()
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        train_set, val_set = tensors(d, "train"), tensors(d, "test")
    train = DataLoader(train_set, 64, shuffle=True)
    val = DataLoader(val_set, 250)
    net = resnet()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=args.momentum)
    ce = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        net.train()
        tl = 0.0
        for x, y in train:
            opt.zero_grad(set_to_none=True)
            loss = ce(net(x), y)
            loss.backward()
            opt.step()
            tl += loss.item() / len(train)
        net.eval()
        vl, acc = 0.0, 0.0
        with torch.no_grad():
            for x, y in val:
                out = net(x)
                vl += ce(out, y).item() / len(val)
                acc += (out.argmax(1) == y).float().mean().item() / len(val)
        print(f"epoch={epoch} train_loss={tl:.4f} val_loss={vl:.4f} val_acc={acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
