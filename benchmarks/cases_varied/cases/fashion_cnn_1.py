"""Clothing with mixup, label smoothing, random shifts and flips, and a one-cycle rate with a high peak."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import fashion, seed_all

EPOCHS, BATCH = 12, 64


class SepBlock(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.deep = nn.Conv2d(i, i, 3, stride=2, padding=1, groups=i, bias=False)
        self.point = nn.Conv2d(i, o, 1, bias=False)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.norm(self.point(self.deep(x))))


def augment(x):
    r, c = np.random.randint(0, 5, 2)
    x = F.pad(x, (2, 2, 2, 2), value=x.min().item())[:, :, r:r + 28, c:c + 28]
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_all()
    d = fashion()
    x, y = torch.from_numpy(d["x_train"]).float()[:, None] / 255, torch.from_numpy(d["y_train"]).long()
    xt, yt = torch.from_numpy(d["x_test"]).float()[:, None] / 255, torch.from_numpy(d["y_test"]).long()
    mu, sd = x.mean(), x.std()
    x, xt = (x - mu) / sd, (xt - mu) / sd
    net = nn.Sequential(nn.Conv2d(1, 24, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
                        SepBlock(24, 48), SepBlock(48, 96), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10))
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = -(-len(x) // BATCH)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.25, total_steps=EPOCHS * steps, pct_start=0.3)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(BATCH):
            xb, yb = augment(x[idx]), y[idx]
            lam, other = np.random.beta(0.2, 0.2), torch.randperm(len(idx))
            out = net(lam * xb + (1 - lam) * xb[other])
            loss = lam * criterion(out, yb) + (1 - lam) * criterion(out, yb[other])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        val, acc = evaluate(net, xt, yt)
        print(f"epoch {epoch + 1}: train {total / steps:.4f} (mixed, smoothed) test {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
