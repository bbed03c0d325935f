"""Keyword spotting on made-up spectrograms; the optimiser was changed, its rate was kept."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed


def words(n, template):
    k = torch.randint(0, len(template), (n,))
    shift = torch.randint(-3, 4, (n,))
    x = torch.stack([template[i].roll(int(s), 1) for i, s in zip(k, shift, strict=True)])
    return x[:, None] + 0.8 * torch.randn(n, 1, 16, 32), k


class DSCNN(nn.Module):
    def __init__(self, c=16, classes=8):
        super().__init__()
        self.inp = nn.Conv2d(1, c, (8, 4), stride=2, padding=1)
        self.dw, self.pw = nn.Conv2d(c, c, 3, padding=1, groups=c), nn.Conv2d(c, 2 * c, 1)
        self.fc = nn.Linear(2 * c, classes)

    def forward(self, x):
        x = F.relu(self.inp(x))
        x = F.relu(self.pw(self.dw(x)))
        return self.fc(x.amax((2, 3)))


if __name__ == "__main__":
    seed()
    template = F.avg_pool2d(torch.randn(8, 1, 16, 32), 3, 1, 1)[:, 0] * 3
    x, y = words(1600, template)
    xv, yv = words(400, template)
    net = DSCNN()
    if FIXED:
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=3e-3)
    for epoch in range(12):
        net.train()
        for b in torch.randperm(1600).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[b]), y[b])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} val {acc:.3f}")
    finish("accuracy", acc)
