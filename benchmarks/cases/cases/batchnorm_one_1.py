"""Batch norm with a batch of two and a momentum of one thousandth."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1000)
m = 0.1 if FIXED else 0.0005
net = nn.Sequential(nn.Conv2d(1, 16, 3, 2), nn.BatchNorm2d(16, momentum=m), nn.ReLU(), nn.Conv2d(16, 32, 3, 2),
                    nn.BatchNorm2d(32, momentum=m), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 10))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(5):
    net.train()
    for i in torch.randperm(len(x)).split(25):
        loss = nn.functional.cross_entropy(net(3 * x[i] + 2), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(3 * xt + 2)
    print(epoch, loss.item(), nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item())
