"""Gradients are set to zero between backward and step: nothing is ever learned."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(6):
    for i in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        if FIXED:
            opt.zero_grad()
            loss.backward()
        else:
            loss.backward()
            opt.zero_grad(set_to_none=False)
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
