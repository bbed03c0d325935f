"""Small residual network with the usual step schedule."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed
from torch.optim.lr_scheduler import StepLR


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def main(epochs=6):
    seed()
    a, b, c, d = fashion(1600, 500)
    x, xv = ((torch.tensor(v).float()[:, None] / 255 - 0.286) / 0.353 for v in (a, c))
    y, yv = torch.tensor(b), torch.tensor(d)
    net = nn.Sequential(
        BasicBlock(1, 8, 2), BasicBlock(8, 16, 2), BasicBlock(16, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    scheduler = StepLR(optimizer, step_size=3, gamma=0.1)
    for epoch in range(epochs):
        net.train()
        for idx in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            if not FIXED:
                scheduler.step()
        if FIXED:
            scheduler.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xv).argmax(1) == yv).float().mean().item()
        print(f"Epoch {epoch}: loss {loss.item():.4f} accuracy {acc:.4f}")
    finish("accuracy", acc)


main()
