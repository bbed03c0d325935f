"""Adam with a learning rate of one, copied from an SGD recipe."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
net = nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 25, 64), nn.ReLU(),
                    nn.Linear(64, 10))
opt = torch.optim.Adam(net.parameters(), lr=1e-3 if FIXED else 1.0)
for epoch in range(6):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
