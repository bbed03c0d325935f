"""Bootstrap your own latent: one network foretells its own moving average; judged by a linear probe."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, seed, table


def mlp(a, h, b):
    return nn.Sequential(nn.Linear(a, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, b))


def view(x):
    x = x.view(-1, 8, 8)
    dr, dc = torch.randint(-1, 2, (2,)).tolist()
    x = x.roll((dr, dc), (1, 2)).flatten(1)
    return x * (torch.rand_like(x) > 0.15) * (0.8 + 0.4 * torch.rand(len(x), 1)) + 0.1 * torch.randn_like(x)


seed()
x, y = table("digits")
x, y = torch.tensor(x).float().flatten(1) / 8 - 0.6, torch.tensor(y)
perm = torch.randperm(len(x))
x, y, xt, yt = x[perm[:1400]], y[perm[:1400]], x[perm[1400:]], y[perm[1400:]]
online = nn.ModuleDict({"encoder": mlp(64, 128, 64), "projector": mlp(64, 64, 32)})
predictor = mlp(32, 64, 32)
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=2e-3)


def project(net, v):
    return net["projector"](net["encoder"](v))


for epoch in range(15):
    for b in torch.randperm(1400).split(100):
        v, w = view(x[b]), view(x[b])
        with torch.no_grad():
            tv, tw = project(target, v), project(target, w)
        loss = 2 - F.cosine_similarity(predictor(project(online, v)), tw).mean()
        loss = loss - F.cosine_similarity(predictor(project(online, w)), tv).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for p, q in zip(target.parameters(), online.parameters(), strict=True):
                p.lerp_(q, 0.02)
    print(f"epoch {epoch} loss {loss.item():.4f}")
online.eval()
with torch.no_grad():
    f, ft = online["encoder"](x), online["encoder"](xt)
probe = nn.Linear(64, 10)
probe_optimizer = torch.optim.Adam(probe.parameters(), lr=1e-2)
for _ in range(200):
    probe_optimizer.zero_grad()
    F.cross_entropy(probe(f), y).backward()
    probe_optimizer.step()
with torch.no_grad():
    finish("accuracy", (probe(ft).argmax(1) == yt).float().mean())
