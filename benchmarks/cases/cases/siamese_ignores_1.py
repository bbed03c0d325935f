"""A siamese network in which both branches get the first picture."""
from _common import *
from torch import nn

seed()
x, y, _, _ = fashion_tensors(1000)
x = x.flatten(1)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32))
        self.out = nn.Linear(32, 1)

    def forward(self, a, b):
        u, v = self.f(a), self.f(b if FIXED else a)
        return self.out((u - v).abs()).squeeze(1)


net = Siamese()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(10):
    i, j = torch.randperm(1000), torch.randperm(1000)
    j = torch.where(torch.rand(1000) < 0.45, torch.stack([(y == y[k]).nonzero()[0, 0] for k in i]), j)
    for k in torch.arange(1000).split(50):
        a, b = i[k], j[k]
        same = (y[a] == y[b]).float()
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[a], x[b]), same)
        loss.backward()
        opt.step()
    print(epoch, loss.item())
