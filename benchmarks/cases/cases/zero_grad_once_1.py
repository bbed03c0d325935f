"""zero_grad stands before the loop over the batches."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(4000)
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(10):
    opt.zero_grad()
    for i in torch.randperm(len(x)).split(32):
        if FIXED:
            opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
