"""Sixty rows, a small network with weight decay."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(1)
x = torch.randn(90, 5, generator=g)
y = (x[:, 0] + 0.6 * x[:, 1] > 0).long()
net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 2))
opt = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.05)
for e in range(40):
    for i in torch.randperm(60).split(10):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    if e % 10 == 9:
        print(e, loss.item(), accuracy(net, x[60:], y[60:]))
