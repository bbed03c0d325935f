"""A siamese network with a contrastive loss written out."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))
opt = torch.optim.Adam(net.parameters(), 1e-3)


def pairs(x, y, n):
    a = torch.randint(len(x), (n,))
    b = torch.randint(len(x), (n,))
    same = torch.rand(n) < 0.5
    for k in range(n):
        if same[k]:
            mates = (y == y[a[k]]).nonzero()[:, 0]
            b[k] = mates[torch.randint(len(mates), (1,))]
    return x[a], x[b], (y[a] == y[b]).float()


def contrastive(u, v, same, margin=2.0):
    d = (u - v).pow(2).sum(1).add(1e-9).sqrt()
    return (same * d.pow(2) + (1 - same) * (margin - d).clamp(min=0).pow(2)).mean()


for step in range(300):
    a, b, same = pairs(x, y, 64)
    opt.zero_grad()
    loss = contrastive(net(a), net(b), same)
    loss.backward()
    opt.step()
    if step % 100 == 99:
        with torch.no_grad():
            a, b, same = pairs(xt, yt, 400)
            print(step, loss.item(), contrastive(net(a), net(b), same).item())
