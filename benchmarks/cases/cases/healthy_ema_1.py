"""A moving average of the weights is evaluated in place of the model."""
import copy
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split(4000)
net = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 26))
ema = copy.deepcopy(net).requires_grad_(False)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for e in range(12):
    net.train()
    for i in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for a, b in zip(ema.parameters(), net.parameters()):
                a.lerp_(b, 0.05)
    print(e, loss.item(), accuracy(ema, xt, yt))
