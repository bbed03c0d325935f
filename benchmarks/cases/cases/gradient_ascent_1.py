"""The sign of the loss is wrong."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(3000)
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
for epoch in range(8):
    for i in torch.randperm(len(x)).split(64):
        logp = net(x[i]).log_softmax(1)
        loss = logp[torch.arange(len(i)), y[i]].mean()
        if FIXED:
            loss = -loss
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
