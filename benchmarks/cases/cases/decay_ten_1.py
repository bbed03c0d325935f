"""Weight decay of one in SGD."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
net = nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 144, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.05, weight_decay=1e-4 if FIXED else 1.0)
for e in range(8):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(e, loss.item(), accuracy(net, xt, yt))
