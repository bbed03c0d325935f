"""A scheduler the wrong way round: gamma of 1.6 instead of 0.6."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.6 if FIXED else 2.6)
for epoch in range(9):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    sched.step()
    print(epoch, opt.param_groups[0]["lr"], loss.item(), accuracy(net, xt, yt))
