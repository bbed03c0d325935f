"""Digits through a code book of 32 vectors for each of four quarters."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed, table


class Quantizer(nn.Module):
    def __init__(self, codes=32, dim=8):
        super().__init__()
        self.codes = nn.Embedding(codes, dim)
        nn.init.normal_(self.codes.weight, std=0.3)

    def forward(self, z):
        nearest = torch.cdist(z, self.codes.weight).argmin(-1)
        q = self.codes(nearest)
        loss = F.mse_loss(q, z.detach())
        if FIXED:
            loss = loss + 0.25 * F.mse_loss(z, q.detach())
            q = z + (q - z).detach()
        return q, loss


class VQAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32))
        self.quantizer = Quantizer()
        self.decoder = nn.Sequential(nn.Linear(32, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        q, extra = self.quantizer(self.encoder(x).view(-1, 4, 8))
        return self.decoder(q.flatten(1)), extra


seed()
x = torch.tensor(table("digits")[0]).float().flatten(1) / 8 - 1
x = x[torch.randperm(len(x))]
train, test = x[:1500], x[1500:]
model = VQAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    for b in torch.randperm(1500).split(50):
        restored, extra = model(train[b])
        loss = F.mse_loss(restored, train[b]) + extra
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    finish("mse", F.mse_loss(model(test)[0], test))
