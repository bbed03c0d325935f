"""Ratings as a product of users and items."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(3)
U, V = torch.randn(120, 4, generator=g), torch.randn(80, 4, generator=g)
u, v = torch.randint(0, 120, (6000,), generator=g), torch.randint(0, 80, (6000,), generator=g)
r = 3 + 0.5 * (U[u] * V[v]).sum(1) + 0.2 * torch.randn(6000, generator=g)


class MF(nn.Module):
    def __init__(self, k=6):
        super().__init__()
        self.u, self.v = nn.Embedding(120, k), nn.Embedding(80, k)
        self.bu, self.bv = nn.Embedding(120, 1), nn.Embedding(80, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for e in (self.u, self.v):
            nn.init.normal_(e.weight, std=0.3)
        for e in (self.bu, self.bv):
            nn.init.zeros_(e.weight)

    def forward(self, a, b):
        return self.mean + (self.u(a) * self.v(b)).sum(1) + self.bu(a)[:, 0] + self.bv(b)[:, 0]


mf = MF()
opt = torch.optim.Adam(mf.parameters(), lr=1e-2, weight_decay=1e-5)
for e in range(10):
    for i in torch.randperm(5000).split(100):
        opt.zero_grad()
        loss = nn.functional.mse_loss(mf(u[i], v[i]), r[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(e, loss.item(), nn.functional.mse_loss(mf(u[5000:], v[5000:]), r[5000:]).item())
