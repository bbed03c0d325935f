"""Depthwise separable network."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

BATCH_NORM_DECAY = 0.9 if FIXED else 0.9997
BATCH_NORM_EPSILON = 1e-3


class SeparableConv(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.depthwise = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False)
        self.pointwise = nn.Conv2d(cin, cout, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cin, eps=BATCH_NORM_EPSILON, momentum=1 - BATCH_NORM_DECAY)
        self.bn2 = nn.BatchNorm2d(cout, eps=BATCH_NORM_EPSILON, momentum=1 - BATCH_NORM_DECAY)

    def forward(self, x):
        x = torch.nn.functional.relu6(self.bn1(self.depthwise(x)))
        return torch.nn.functional.relu6(self.bn2(self.pointwise(x)))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1)
        self.blocks = nn.Sequential(SeparableConv(16, 24, 2), SeparableConv(24, 32, 1), SeparableConv(32, 48, 2))
        self.classifier = nn.Linear(48, 10)

    def forward(self, x):
        return self.classifier(self.blocks(self.stem(x)).mean((2, 3)))


def main():
    seed()
    a, b, c, d = fashion(2000, 500)
    x, xv = (torch.tensor(v).float()[:, None] / 127.5 - 1 for v in (a, c))
    y, yv = torch.tensor(b), torch.tensor(d)
    net = MobileNet()
    opt = torch.optim.RMSprop(net.parameters(), lr=2e-3, alpha=0.9)
    for epoch in range(5):
        net.train()
        seen = right = 0
        for idx in torch.randperm(len(x)).split(40):
            out = net(x[idx])
            loss = nn.functional.cross_entropy(out, y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen += len(idx)
            right += (out.argmax(1) == y[idx]).sum().item()
        net.eval()
        with torch.no_grad():
            acc = (net(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch}: train accuracy {right / seen:.3f}, test accuracy {acc:.3f}")
    finish("accuracy", acc)


if __name__ == "__main__":
    main()
