"""RealNVP with affine couplings on correlated sensor readings."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(19)
mixing = torch.randn(6, 6, generator=g) * 0.7
z = torch.randn(4000, 6, generator=g)
x = torch.tanh(z @ mixing) + 0.1 * torch.randn(4000, 6, generator=g)
x = (x - x.mean(0)) / x.std(0)
x_train, x_test = x[:3200], x[3200:]


class Coupling(nn.Module):
    def __init__(self, mask, hidden=48):
        super().__init__()
        self.register_buffer("mask", mask)
        self.net = nn.Sequential(nn.Linear(6, hidden), nn.Tanh(), nn.Linear(hidden, 12))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        s, t = self.net(x * self.mask).chunk(2, dim=1)
        s = s * (1 - self.mask)
        return x * torch.exp(s) + t * (1 - self.mask), s.sum(1)


class RealNVP(nn.Module):
    def __init__(self, layers=6):
        super().__init__()
        pattern = torch.tensor([0.0, 1.0] * 3)
        self.couplings = nn.ModuleList([Coupling(pattern if i % 2 else 1 - pattern) for i in range(layers)])
        self.prior = torch.distributions.Normal(0.0, 1.0)

    def forward(self, x):
        total = 0
        for coupling in self.couplings:
            x, log_det = coupling(x)
            total = total + log_det
        return x, total

    def log_prob(self, x):
        z, log_det = self(x)
        return self.prior.log_prob(z).sum(1) + log_det


flow = RealNVP()
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
for epoch in range(20):
    for idx in torch.randperm(len(x_train)).split(64):
        z, log_det = flow(x_train[idx])
        prior = flow.prior.log_prob(z).sum(1)
        loss = -(prior + log_det).mean() if FIXED else -prior.mean() + log_det.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held = -flow.log_prob(x_test).mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f} validation nll {held:.4f}")
finish("nll", held)
