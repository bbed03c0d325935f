"""Contrastive pairs of digits: two noisy views of one image are to find each other; judged by its nearest neighbours."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed, table

TEMPERATURE = 0.07


def view(x):
    x = x.view(-1, 8, 8)
    dr, dc = torch.randint(-1, 2, (2,)).tolist()
    x = torch.roll(x, (dr, dc), (1, 2)) * (0.7 + 0.6 * torch.rand(len(x), 1, 1))
    return (x + 1.5 * torch.randn_like(x)).flatten(1)


class Projector(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
        self.proj = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))

    def forward(self, x):
        z = self.proj(self.encoder(x))
        return F.normalize(z, dim=1) if FIXED else z


def nt_xent(a, b):
    z = torch.cat([a, b])
    n = len(a)
    sim = z @ z.T / TEMPERATURE
    sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), -1e9)
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(sim, target)


def neighbours(model, x, y, xt, yt):
    with torch.no_grad():
        a, b = F.normalize(model.encoder(x), dim=1), F.normalize(model.encoder(xt), dim=1)
    return (y[(b @ a.T).topk(5).indices].mode(1).values == yt).float().mean()


seed()
x, y = table("digits")
x, y = torch.tensor(x).float().flatten(1), torch.tensor(y)
x, y, xt, yt = x[:1300], y[:1300], x[1300:], y[1300:]
model = Projector()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(15):
    for b in torch.randperm(1300).split(100):
        loss = nt_xent(model(view(x[b])), model(view(x[b])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
finish("neighbour_accuracy", neighbours(model, x, y, xt, yt))
