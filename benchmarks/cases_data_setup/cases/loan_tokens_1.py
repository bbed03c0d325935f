"""Loan default from tabular columns: each column becomes a token of a small transformer."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

COLUMNS = ["income", "age", "debt_ratio", "utilisation", "late_30", "years_employed", "enquiries", "collection_fee"]


def applications(n=5000):
    rng = np.random.default_rng(23)
    table = {
        "income": rng.lognormal(10.3, 0.5, n),
        "age": rng.integers(20, 75, n).astype(float),
        "debt_ratio": rng.beta(2, 4, n),
        "utilisation": rng.beta(1.5, 2, n),
        "late_30": rng.poisson(0.6, n).astype(float),
        "years_employed": rng.gamma(2, 3, n),
        "enquiries": rng.poisson(1.5, n).astype(float),
    }
    score = (-1.6 - 0.9 * (np.log(table["income"]) - 10.3) + 3 * (table["debt_ratio"] - 0.33)
             + 2 * (table["utilisation"] - 0.43) * (table["late_30"] > 0) + 0.7 * table["late_30"]
             - 0.06 * table["years_employed"] + 0.2 * table["enquiries"] - 0.01 * (table["age"] - 45))
    default = rng.random(n) < 1 / (1 + np.exp(-score))
    fee = np.where(default, rng.gamma(4, 60, n), 0.0)
    table["collection_fee"] = np.where(rng.random(n) < 0.01, rng.gamma(4, 60, n), fee)
    return table, default.astype(np.float32)


class ColumnTransformer(nn.Module):
    def __init__(self, columns, dim=24):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(columns, dim) / dim ** 0.5)
        self.shift = nn.Parameter(torch.randn(columns, dim) / dim ** 0.5)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 48, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(dim, 1)

    def forward(self, x):
        tokens = x.unsqueeze(2) * self.scale + self.shift
        tokens = torch.cat([self.cls.expand(len(x), -1, -1), tokens], 1)
        return self.head(self.encoder(tokens)[:, 0]).squeeze(1)


def auc(score, y):
    ranks = score.argsort().argsort().double() + 1
    pos = y.sum().double()
    neg = len(y) - pos
    return ((ranks[y == 1].sum() - pos * (pos + 1) / 2) / (pos * neg)).item()


seed_all()
table, y = applications()
columns = COLUMNS[:-1] if FIXED else COLUMNS
x = np.stack([table[c] for c in columns], 1)
x[:, 0] = np.log(x[:, 0])
x = (x - x[:3800].mean(0)) / x[:3800].std(0)
x, y = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)
loader = DataLoader(TensorDataset(x[:3800], y[:3800]), batch_size=64, shuffle=True)
net = ColumnTransformer(x.shape[1])
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(8):
    net.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = bce(net(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        out = net(x[3800:])
    print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {bce(out, y[3800:]).item():.4f} "
          f"auc {auc(out, y[3800:]):.4f}")
print(f"final auc {auc(out, y[3800:]):.4f}")
