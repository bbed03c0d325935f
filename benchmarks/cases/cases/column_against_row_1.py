"""Predictions (N, 1) against targets (N,): the difference is a square."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(6)
x = torch.randn(500, 5, generator=g)
y = x[:, 0] - 0.5 * x[:, 1] ** 2 + 0.1 * torch.randn(500, generator=g)
y = (y - y.mean()) / y.std()
m = nn.Sequential(nn.Linear(5, 40), nn.Tanh(), nn.Linear(40, 1))
opt = torch.optim.Adam(m.parameters(), lr=5e-3)
for epoch in range(60):
    for i in torch.randperm(400).split(25):
        p = m(x[i])
        if FIXED:
            p = p.squeeze(1)
        loss = ((p - y[i]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 20 == 19:
        print(epoch, loss.item())
