"""Counts over four decades: trained on their logarithm."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
g = torch.Generator().manual_seed(8)
x = torch.rand(1200, 6, generator=g) * 2 - 1
y = torch.poisson((3 + 2 * x[:, 0] + x[:, 1] * x[:, 2]).exp())
z = torch.log1p(y)
net = nn.Sequential(nn.Linear(6, 48), nn.ELU(), nn.Linear(48, 48), nn.ELU(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for e in range(20):
    net.train()
    for a, b in DataLoader(TensorDataset(x[:1000], z[:1000]), 40, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.l1_loss(net(a).squeeze(-1), b)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(e, loss.item(), nn.functional.l1_loss(net(x[1000:]).squeeze(-1), z[1000:]).item())
