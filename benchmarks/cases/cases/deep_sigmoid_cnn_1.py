"""Six convolutions with sigmoid, no norm."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
act = nn.ReLU if FIXED else nn.Sigmoid
layers, c = [], 1
for k in range(6):
    layers += [nn.Conv2d(c, 16, 3, padding=1), act()]
    if k % 2:
        layers.append(nn.MaxPool2d(2))
    c = 16
net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 9, 10))
opt = torch.optim.Adam(net.parameters(), 2e-3)
for epoch in range(4):
    for i in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
