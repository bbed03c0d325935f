"""Digits with a running average of the weights; the average is what gets used."""
import copy

import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all, table


class Net(nn.Module):
    def __init__(self, w=16):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(1, w, 3, padding=1, bias=False), nn.BatchNorm2d(w)
        self.c2, self.b2 = nn.Conv2d(w, w, 3, padding=1, bias=False), nn.BatchNorm2d(w)
        self.c3, self.b3 = nn.Conv2d(w, 2 * w, 3, padding=1, bias=False), nn.BatchNorm2d(2 * w)
        self.out = nn.Linear(2 * w, 10)
        for c in (self.c1, self.c2, self.c3):
            nn.init.kaiming_normal_(c.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        x = F.relu(self.b3(self.c3(x)))
        return self.out(x.mean((2, 3)))


class Average:
    def __init__(self, net, decay=0.98):
        self.decay, self.net = decay, copy.deepcopy(net)
        self.net.requires_grad_(False)
        self.net.eval()

    @torch.no_grad()
    def update(self, net):
        for a, p in zip(self.net.parameters(), net.parameters()):
            a.lerp_(p, 1 - self.decay)
        if FIXED:
            for a, b in zip(self.net.buffers(), net.buffers()):
                a.copy_(b)


def score(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_all()
    d = table("digits")
    order = torch.randperm(1797)
    x, y = torch.from_numpy(d["x"]).float()[order, None], torch.from_numpy(d["y"])[order]
    x = (x - x[:1350].mean()) / x[:1350].std()
    net = Net()
    average = Average(net)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(14):
        net.train()
        total = 0.0
        for idx in torch.randperm(1350).split(32):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            average.update(net)
            total += loss.item() * len(idx)
        val, acc = score(average.net, x[1350:], y[1350:])
        print(f"epoch {epoch + 1}: train {total / 1350:.4f} averaged net: val {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
