"""Forty rows, two hundred columns, a wide network, three hundred epochs."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(2)
n = 2000 if FIXED else 40
x = torch.randn(n + 400, 100, generator=g)
y = (x[:, :6].sum(1) + 0.8 * torch.randn(n + 400, generator=g) > 0).long()
net = nn.Sequential(nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5 if FIXED else 80):
    net.train()
    for i in torch.randperm(n).split(20):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(x[n:])
        if epoch % 5 == 4:
            print(epoch, loss.item(), nn.functional.cross_entropy(out, y[n:]).item(), (out.argmax(1) == y[n:]).float().mean().item())
