"""The optimiser is built from the body; the head that was added later is not in it."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
body = nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 144, 64), nn.ReLU())
opt = torch.optim.Adam(body.parameters(), lr=1e-3)
net = nn.Sequential(body, nn.Linear(64, 10))
if FIXED:
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, xt, yt))
