"""Weights drawn with standard deviation one in a deep tanh network."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
layers = [nn.Flatten()]
for a, b in [(784, 128), (128, 128), (128, 64)]:
    lin = nn.Linear(a, b)
    if not FIXED:
        nn.init.normal_(lin.weight, 0, 1)
    layers += [lin, nn.Tanh()]
net = nn.Sequential(*layers, nn.Linear(64, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
