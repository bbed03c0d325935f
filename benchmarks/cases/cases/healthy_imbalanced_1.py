"""One in eleven is positive, and it is learned all the same."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(6)
y = (torch.rand(3000, generator=g) < 0.09).float()
x = torch.randn(3000, 12, generator=g)
x[:, :4] += 1.6 * y[:, None]
net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for e in range(10):
    for i in torch.randperm(2400).split(60):
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        p = net(x[2400:]) > 0
        t = y[2400:].bool()
        print(e, loss.item(), (p == t).float().mean().item(), (p & t).sum().item() / t.sum().item())
