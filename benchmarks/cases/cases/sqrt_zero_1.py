"""The gradient of a square root at zero: a distance without eps."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 8))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(200):
    a, b = torch.randint(len(x), (2, 64))
    b[0] = a[0] if step == 60 or not FIXED and step % 20 == 19 else b[0]
    same = (y[a] == y[b]).float()
    d = ((net(x[a]) - net(x[b])) ** 2).sum(1)
    d = (d + 1e-8).sqrt() if FIXED else d.sqrt()
    loss = (same * d + (1 - same) * (2 - d).clamp(min=0)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 50 == 49:
        print(step, loss.item())
