"""Focal loss by hand for one positive in fifteen."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(16)
y = (torch.rand(2500, generator=g) < 0.066).float()
x = torch.randn(2500, 10, generator=g)
x[:, :5] += 1.5 * y[:, None]


def focal(z, t, gamma=2.0, alpha=0.75):
    p = torch.sigmoid(z)
    pt = p * t + (1 - p) * (1 - t)
    a = alpha * t + (1 - alpha) * (1 - t)
    return (-a * (1 - pt) ** gamma * pt.clamp_min(1e-8).log()).mean()


net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for e in range(12):
    for i in torch.randperm(2000).split(50):
        opt.zero_grad()
        loss = focal(net(x[i])[:, 0], y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        p = net(x[2000:])[:, 0] > 0
        print(e, loss.item(), (p == y[2000:].bool()).float().mean().item())
