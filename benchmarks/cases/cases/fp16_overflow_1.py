"""The logits are multiplied by a constant meant for half precision, and the loss reaches infinity."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(3000)
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(5):
    for i in torch.randperm(len(x)).split(64):
        z = net(x[i])
        e = torch.exp(z * (1.0 if FIXED else 60.0))
        loss = -(e[torch.arange(len(i)), y[i]] / e.sum(1)).log().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
