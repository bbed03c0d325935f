"""Clicks from user and item ids and a context vector: sparse embeddings and a dense tower, one optimiser each."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

USERS, ITEMS = 200, 100


def log(n=16000):
    rng = np.random.default_rng(51)
    user_taste, item_theme = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 3))
    popular = 0.6 * rng.normal(size=ITEMS)
    u = rng.integers(0, USERS, n)
    i = rng.integers(0, ITEMS, n)
    context = rng.normal(size=(n, 6)).astype(np.float32)
    score = (0.9 * (user_taste[u] * item_theme[i]).sum(1) + popular[i] + 0.8 * np.tanh(2 * context[:, 0])
             - 0.6 * context[:, 1] * context[:, 2] - 0.4)
    y = rng.random(n) < 1 / (1 + np.exp(-score))
    return [torch.from_numpy(a) for a in (u, i, context, y.astype(np.float32))]


class Tables(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.user = nn.Embedding(USERS, dim, sparse=True)
        self.item = nn.Embedding(ITEMS, dim, sparse=True)
        self.item_bias = nn.Embedding(ITEMS, 1, sparse=True)
        for table in (self.user, self.item, self.item_bias):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, u, i):
        a, b = self.user(u), self.item(i)
        return (a * b).sum(1) + self.item_bias(i).squeeze(1), torch.cat([a, b], 1)


class Tower(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


def auc(score, y):
    rank = score.argsort().argsort().double() + 1
    pos = (y == 1).sum().double()
    return ((rank[y == 1].sum() - pos * (pos + 1) / 2) / (pos * (len(y) - pos))).item()


seed_all()
data = log()
train, val = [t[:13000] for t in data], [t[13000:] for t in data]
loader = DataLoader(TensorDataset(*train), batch_size=100, shuffle=True)
tables, tower = Tables(), Tower(18)
sparse_optimizer = torch.optim.SparseAdam(list(tables.parameters()), lr=4e-3)
dense_optimizer = torch.optim.AdamW(tower.parameters(), lr=2e-3, weight_decay=1e-2)


def predict(u, i, context):
    dot, vectors = tables(u, i)
    return dot + tower(torch.cat([vectors, context], 1))


for epoch in range(11):
    tables.train(), tower.train()
    total = 0.0
    for u, i, context, y in loader:
        loss = F.binary_cross_entropy_with_logits(predict(u, i, context), y)
        sparse_optimizer.zero_grad()
        dense_optimizer.zero_grad()
        loss.backward()
        sparse_optimizer.step()
        dense_optimizer.step()
        total += loss.item()
    tables.eval(), tower.eval()
    with torch.no_grad():
        out = predict(*val[:3])
    val_loss = F.binary_cross_entropy_with_logits(out, val[3]).item()
    print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {val_loss:.4f} auc {auc(out, val[3]):.4f}")
print(f"final auc {auc(out, val[3]):.4f}")
