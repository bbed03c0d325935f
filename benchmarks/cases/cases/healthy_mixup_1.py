"""Mixup: soft targets, and a training loss that stays high."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
x, y, xt, yt = fashion_tensors(2000)
net = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 25, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for e in range(8):
    net.train()
    for i in torch.randperm(2000).split(50):
        lam = np.random.beta(0.4, 0.4)
        j = i[torch.randperm(len(i))]
        out = net(lam * x[i] + (1 - lam) * x[j])
        loss = lam * F.cross_entropy(out, y[i]) + (1 - lam) * F.cross_entropy(out, y[j])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(e, loss.item(), accuracy(net, xt, yt))
