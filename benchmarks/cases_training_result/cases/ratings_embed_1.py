"""Recommender: user and item embeddings with a small network on top, explicit ratings."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

USERS, ITEMS, RATINGS = 400, 250, 24000


def ratings():
    g = torch.Generator().manual_seed(17)
    taste, trait = torch.randn(USERS, 3, generator=g), torch.randn(ITEMS, 3, generator=g)
    mood, fame = 0.5 * torch.randn(USERS, generator=g), 0.7 * torch.randn(ITEMS, generator=g)
    pick = torch.randperm(USERS * ITEMS, generator=g)[:RATINGS]
    u, i = pick // ITEMS, pick % ITEMS
    r = (taste[u] * trait[i]).sum(1) * 0.6 + mood[u] + fame[i] + 0.4 * torch.randn(RATINGS, generator=g)
    return u, i, (r - r.mean()) / r.std()


class Recommender(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        tables = {"user": nn.Embedding(USERS, dim), "item": nn.Embedding(ITEMS, dim)}
        for t in tables.values():
            nn.init.normal_(t.weight, std=0.3)
        self.tables = nn.ModuleDict(tables) if FIXED else tables
        self.mlp = nn.Sequential(nn.Linear(3 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, user, item):
        u, v = self.tables["user"](user), self.tables["item"](item)
        return self.mlp(torch.cat([u, v, u * v], 1)).squeeze(1)


def rmse(model, loader):
    model.eval()
    se, n = 0.0, 0
    with torch.no_grad():
        for u, i, r in loader:
            se += (model(u, i) - r).pow(2).sum().item()
            n += len(r)
    return (se / n) ** 0.5


if __name__ == "__main__":
    seed_all()
    u, i, r = ratings()
    cut = int(0.85 * RATINGS)
    train = DataLoader(TensorDataset(u[:cut], i[:cut], r[:cut]), batch_size=128, shuffle=True)
    valid = DataLoader(TensorDataset(u[cut:], i[cut:], r[cut:]), batch_size=1000)
    model = Recommender()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.3)
    for epoch in range(14):
        model.train()
        total = 0.0
        for ub, ib, rb in train:
            loss = nn.functional.mse_loss(model(ub, ib), rb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        score = rmse(model, valid)
        print(f"epoch {epoch + 1}: train mse {total / len(train):.4f}  valid rmse {score:.4f}")
    print(f"final rmse {score:.4f}")
