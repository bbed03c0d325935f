"""ReLU after the last layer of a classifier."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
x, y, xt, yt = fashion_tensors(1500)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 12, 5)
        self.f1, self.f2 = nn.Linear(12 * 16, 60), nn.Linear(60, 10)

    def forward(self, z):
        z = F.max_pool2d(F.relu(self.c1(z)), 2)
        z = F.max_pool2d(F.relu(self.c2(z)), 2).flatten(1)
        z = F.relu(self.f1(z))
        return self.f2(z) if FIXED else F.relu(self.f2(z))


net = LeNet()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(6):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = F.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
