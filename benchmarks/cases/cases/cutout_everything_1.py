"""Augmentation that leaves almost nothing of the picture."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)


def augment(b):
    if FIXED:
        return torch.where(torch.rand(len(b), 1, 1, 1) < 0.5, b.flip(3), b)
    keep = (torch.rand(len(b), 1, 28, 28) < 0.04).float()
    return b * keep + 2.0 * torch.randn_like(b)


net = nn.Sequential(nn.Conv2d(1, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2), nn.ReLU(), nn.Flatten(),
                    nn.Linear(24 * 25, 10))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    net.train()
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(augment(x[i])), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), "train", accuracy(net, x[:500], y[:500]), "valid", accuracy(net, xt, yt))
