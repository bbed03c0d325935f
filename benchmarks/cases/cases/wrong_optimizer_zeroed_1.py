"""Two optimisers; zero_grad is called twice on the first."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1200)
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
opt_a = torch.optim.SGD(net[1].parameters(), lr=0.05)
opt_b = torch.optim.SGD(net[3].parameters(), lr=0.05)
for epoch in range(8):
    for i in torch.randperm(1200).split(30):
        opt_a.zero_grad()
        (opt_b if FIXED else opt_a).zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt_a.step()
        opt_b.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
