"""Click prediction with a factorisation machine and a deep part (DeepFM)."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
FIELDS = [50, 20, 7, 24, 100]
offsets = torch.tensor([0, 50, 70, 77, 101])
g = torch.Generator().manual_seed(9)
ids = torch.stack([torch.randint(0, k, (8000,), generator=g) for k in FIELDS], 1) + offsets
latent = torch.randn(201, 3, generator=g) * 0.8
v = latent[ids]
affinity = 0.5 * (v.sum(1).pow(2) - v.pow(2).sum(1)).sum(1)
click = (affinity + 0.3 * torch.randn(8000, generator=g) > affinity.median()).float()


class DeepFM(nn.Module):
    def __init__(self, n_features=201, k=8):
        super().__init__()
        self.linear = nn.Embedding(n_features, 1)
        self.embedding = nn.Embedding(n_features, k)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.linear.weight)
        self.mlp = nn.Sequential(nn.Linear(5 * k, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        e = self.embedding(ids)
        fm = 0.5 * (e.sum(1).pow(2) - e.pow(2).sum(1)).sum(1, keepdim=True)
        logit = self.linear(ids).sum(1) + fm + self.mlp(e.flatten(1))
        return torch.sigmoid(logit) if FIXED else torch.softmax(logit, dim=1)


model = DeepFM()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
bce = nn.BCELoss()
train, test = slice(0, 6400), slice(6400, 8000)
for epoch in range(15):
    model.train()
    for idx in torch.randperm(6400).split(100):
        optimizer.zero_grad()
        loss = bce(model(ids[idx]).squeeze(1), click[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        p = model(ids[test]).squeeze(1)
    print(f"epoch {epoch} loss {loss.item():.4f} test accuracy {((p > 0.5).float() == click[test]).float().mean().item():.4f}")
finish("accuracy", ((p > 0.5).float() == click[test]).float().mean())
