"""Contrastive learning of two views (SimCLR's loss), then a linear probe on frozen features."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed

seed()
a, b, c, d = fashion(3000, 600)
x, xt = (torch.tensor(v).float()[:, None] / 255 for v in (a, c))
y, yt = torch.tensor(b), torch.tensor(d)


def view(batch):
    batch = F.pad(batch, (3, 3, 3, 3))
    top, left = torch.randint(0, 7, (2,)).tolist()
    batch = batch[:, :, top : top + 28, left : left + 28]
    flip = torch.rand(len(batch)) < 0.5
    batch = torch.where(flip[:, None, None, None], batch.flip(-1), batch)
    return batch * (0.7 + 0.6 * torch.rand(len(batch), 1, 1, 1)) + 0.05 * torch.randn_like(batch)


class SimCLR(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(),
        )  # fmt: skip
        self.projector = nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.BatchNorm1d(128))

    def forward(self, x):
        return self.projector(self.encoder(x))


def nt_xent(z1, z2, temperature=0.1):
    z = torch.cat([z1, z2])
    if FIXED:
        z = F.normalize(z, dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-1e9)
    n = len(z1)
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(similarity, target)


model = SimCLR()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for idx in torch.randperm(len(x)).split(100):
        loss = nt_xent(model(view(x[idx])), model(view(x[idx])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("contrastive epoch", epoch, loss.item())

model.eval()
with torch.no_grad():
    h, ht = model.encoder(x), model.encoder(xt)
    z, zt = F.normalize(model(x), dim=1), F.normalize(model(xt), dim=1)
neighbour = (zt @ z.T).topk(5, dim=1).indices
votes = F.one_hot(y[neighbour], 10).sum(1).argmax(1)
finish("knn_accuracy", (votes == yt).float().mean())
