"""StepLR is advanced after every batch instead of every epoch."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.3)
for epoch in range(12):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
        if not FIXED:
            sched.step()
    if FIXED:
        sched.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
