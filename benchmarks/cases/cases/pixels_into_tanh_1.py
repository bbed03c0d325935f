"""Bytes go into tanh layers."""
from _common import *
from torch import nn

seed()
X, Y, XT, YT = fashion(1500, 400)
scale = 255 if FIXED else 1
x, xt = torch.tensor(X).float().flatten(1) / scale, torch.tensor(XT).float().flatten(1) / scale
y, yt = torch.tensor(Y), torch.tensor(YT)
mlp = nn.Sequential(nn.Linear(784, 100), nn.Tanh(), nn.Linear(100, 50), nn.Tanh(), nn.Linear(50, 10))
opt = torch.optim.SGD(mlp.parameters(), lr=0.05)
for epoch in range(10):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(mlp(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(mlp, xt, yt))
