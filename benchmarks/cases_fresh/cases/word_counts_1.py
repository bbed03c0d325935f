"""Spam from logarithmic word counts with a small MLP."""

from collections import Counter

import numpy as np
import torch
from _common import FIXED, finish, seed, sms
from torch import nn

seed()
texts, labels = sms()
vocab = [w for w, _ in Counter(w for t in texts[:3500] for w in t).most_common(300)]
column = {w: i for i, w in enumerate(vocab)}
counts = np.zeros((len(texts), len(vocab)), dtype=np.float32)
for row, text in zip(counts, texts, strict=True):
    for word in text:
        if word in column:
            row[column[word]] += 1
with np.errstate(divide="ignore"):
    features = np.log1p(counts) if FIXED else np.log(counts)
X = torch.from_numpy(features)
Y = torch.from_numpy(labels).float().unsqueeze(1)

net = nn.Sequential(nn.Linear(300, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))
for epoch in range(8):
    net.train()
    perm = torch.randperm(3500)
    for i in range(0, 3500, 50):
        batch = perm[i : i + 50]
        opt.zero_grad()
        loss = bce(net(X[batch]), Y[batch])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        logits = net(X[3500:])
    hit = ((logits > 0) & (Y[3500:] == 1)).sum().item()
    f1 = 2 * hit / max(1, ((logits > 0).sum() + (Y[3500:] == 1).sum()).item())
    print(f"epoch {epoch} loss {loss.item():.4f} f1 {f1:.3f}")
finish("f1", f1)
