"""Three quantiles of the load at once by the pinball loss."""
from _common import *
from torch import nn

seed()
s = load()
s = (s - s[:2400].mean()) / s[:2400].std()
x, y = windows(s[:3000], 24)
x = x[..., 0]
q = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 3))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
pinball = lambda p, t: torch.maximum(q * (t[:, None] - p), (q - 1) * (t[:, None] - p)).mean()
for e in range(12):
    for i in torch.randperm(2400).split(48):
        loss = pinball(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(e, loss.item(), pinball(net(x[2400:]), y[2400:]).item())
