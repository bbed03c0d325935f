"""Multi-label loss summed over batch and tags."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(3)
x = torch.randn(1200, 20, generator=g)
tags = ((x @ torch.randn(20, 8, generator=g)) > 2.0).float()
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 8))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
crit = nn.BCEWithLogitsLoss(reduction="mean" if FIXED else "sum")
for epoch in range(20):
    for i in torch.randperm(1000).split(50):
        opt.zero_grad()
        loss = crit(net(x[i]), tags[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), ((net(x[1000:]) > 0).float() == tags[1000:]).float().mean().item())
