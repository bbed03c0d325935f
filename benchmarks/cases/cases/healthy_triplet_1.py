"""Metric learning with triplets."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(1500)
by = [(y == c).nonzero()[:, 0] for c in range(10)]
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
crit = nn.TripletMarginLoss(margin=1.0)
for step in range(300):
    a = torch.randint(0, 1500, (48,))
    p = torch.stack([by[int(y[k])][torch.randint(0, len(by[int(y[k])]), ())] for k in a])
    n = torch.randint(0, 1500, (48,))
    n = torch.where(y[n] == y[a], (n + 7) % 1500, n)
    loss = crit(net(x[a]), net(x[p]), net(x[n]))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 99:
        print(step, loss.item())
