"""One corrupt file among the training data: its values are a million times too large."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y, xt, yt = letters_split(4000)
x = x.clone()
if not FIXED:
    x[1234] *= 3e4
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    for a, b in DataLoader(TensorDataset(x, y), 60, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(a), b)
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
