"""Which half of the novel does a passage come from? Bag of embeddings."""

import re

import torch
import torch.nn as nn
from _common import FIXED, emma, finish, seed

seed()
words = re.findall(r"[a-z']+", emma(800_000).lower())
vocabulary = {w: i for i, w in enumerate(dict.fromkeys(words))}
ids = torch.tensor([vocabulary[w] for w in words])
length = 40
n = len(ids) // length
passages = ids[: n * length].view(n, length)
labels = (torch.arange(n) >= n // 2).long()
order = torch.randperm(n, generator=torch.Generator().manual_seed(5))
train, val, test = order[:600], order[600:1200], order[1200:2600]


class PassageClassifier(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.embedding = nn.Embedding(len(vocabulary), dim)
        self.dropout = nn.Dropout(0.5 if FIXED else 0.0)
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 2))

    def forward(self, x):
        return self.mlp(self.dropout(self.embedding(x).mean(1)))


model = PassageClassifier(128)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1 if FIXED else 0.0)
best, best_state = float("inf"), None
for epoch in range(40):
    model.train()
    for idx in train[torch.randperm(len(train))].split(30):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(passages[idx]), labels[idx])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(passages[val]), labels[val]).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} val_loss {val_loss:.4f}")
    if val_loss < best:
        best, best_state = val_loss, {k: v.clone() for k, v in model.state_dict().items()}
if FIXED:
    model.load_state_dict(best_state)
with torch.no_grad():
    finish("loss", nn.functional.cross_entropy(model(passages[test]), labels[test]))
