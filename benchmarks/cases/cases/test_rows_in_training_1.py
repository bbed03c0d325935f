"""All rows are used for training; the 'validation' set is a slice of them, and the score is perfect."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(12)
x = torch.randn(300, 30, generator=g)
y = (x[:, 0] + 0.5 * torch.randn(300, generator=g) > 0).long()
tr = torch.arange(240) if FIXED else torch.arange(300)
net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for e in range(12 if FIXED else 60):
    net.train()
    for i in tr[torch.randperm(len(tr))].split(20):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x[i]), y[i]).backward()
        opt.step()
    net.eval()
    print(e, accuracy(net, x[240:], y[240:]))
