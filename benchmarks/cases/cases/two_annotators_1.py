"""Two annotators saw the same items and do not agree; both answers are kept."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(2)
base = torch.randn(500, 10, generator=g)
lab = (base[:, :3].sum(1) > 0).long() + (base[:, 3] > 0.5).long()
other = lab.clone()
flip = torch.rand(500, generator=g) < 0.3
other[flip] = (other[flip] + 1 + torch.randint(0, 2, (int(flip.sum()),), generator=g)) % 3
x = torch.cat([base[:400], base[:400]])
y = torch.cat([lab[:400], lab[:400] if FIXED else other[:400]])
if FIXED:
    x, y = base[:400], lab[:400]
net = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 3))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for ep in range(40):
    for i in torch.randperm(len(x)).split(32):
        opt.zero_grad()
        loss = nn.CrossEntropyLoss()(net(x[i]), y[i])
        loss.backward()
        opt.step()
    if ep % 8 == 7:
        print(ep, loss.item(), accuracy(net, base[400:], lab[400:]))
