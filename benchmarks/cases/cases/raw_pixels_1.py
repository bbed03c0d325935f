"""Pixels from 0 to 255 straight into a sigmoid network."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion()
scale = 255.0 if FIXED else 1.0
x, xt = torch.tensor(x).flatten(1).float() / scale, torch.tensor(xt).flatten(1).float() / scale
y, yt = torch.tensor(y), torch.tensor(yt)
net = nn.Sequential(nn.Linear(784, 100), nn.Sigmoid(), nn.Linear(100, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(10):
    for i in torch.randperm(len(x)).split(32):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, nn.functional.cross_entropy(net(xt), yt).item(), accuracy(net, xt, yt))
