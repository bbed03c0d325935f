"""Biases set to minus five: most units never fire."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
net = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 26))
if not FIXED:
    for layer in (net[0], net[2]):
        nn.init.constant_(layer.bias, -5.0 if layer is net[0] else -1.0)
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for i in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
