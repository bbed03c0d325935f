"""Nine sigmoid layers, as networks were drawn in 1990."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(4000)
layers = []
for a in [16] + [40] * 8:
    layers += [nn.Linear(a, 40), nn.ReLU() if FIXED else nn.Sigmoid()]
net = nn.Sequential(*layers, nn.Linear(40, 26))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(14):
    for i in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
