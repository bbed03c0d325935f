"""Card transactions: which are fraud? Anonymous components V1..V12 and the amount."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(99)
n, n_fraud = 12000, 120
label = np.zeros(n, dtype=np.float32)
label[:n_fraud] = 1
v = rng.normal(size=(n, 12))
v[:n_fraud, :5] += rng.normal(0.0, 0.7, (n_fraud, 5)) + np.array([1.6, -1.2, 1.1, 0.9, -0.9])
amount = np.log1p(rng.gamma(1.2, 60, n))
x = np.hstack([v, (amount[:, None] - amount.mean()) / amount.std()]).astype(np.float32)
order = rng.permutation(n)
x, label = torch.tensor(x[order]), torch.tensor(label[order])
split = int(n * 0.7)

net = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
positives = label[:split].sum()
weight = (split - positives) / positives if FIXED else torch.tensor(1.0)
criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x[:split], label[:split]), batch_size=256, shuffle=True)

for epoch in range(12):
    net.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        flagged = net(x[split:]).squeeze(1) > 0
    truth = label[split:] == 1
    accuracy = (flagged == truth).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {100 * accuracy:.2f} %")

recall = (flagged & truth).sum() / truth.sum()
specificity = (~flagged & ~truth).sum() / (~truth).sum()
print(f"recall {recall.item():.3f} specificity {specificity.item():.3f}")
finish("balanced_accuracy", (recall + specificity) / 2)
