"""Momentum 0.95 at a rate of 0.5 makes the loss of a small network jump up and down."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(1)
x = torch.randn(600, 10, generator=g)
y = (x @ torch.randn(10, 1, generator=g) + torch.sin(2 * x[:, :1]))
y = (y - y.mean()) / y.std()
net = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.01 if FIXED else 0.25, momentum=0.9)
for epoch in range(40):
    for i in torch.randperm(500).split(20):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[i]), y[i])
        loss.backward()
        opt.step()
    if epoch % 8 == 7:
        print(epoch, loss.item(), nn.functional.mse_loss(net(x[500:]), y[500:]).item())
