"""Ham or spam with a mean of word embeddings, in the manner of fastText."""

from collections import Counter

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, sms

MAX_LEN = 30 if FIXED else 1

seed()
texts, labels = sms()
spam = [i for i, k in enumerate(labels) if k == 1]
ham = [i for i, k in enumerate(labels) if k == 0][: 2 * len(spam)]
keep = torch.tensor(spam + ham)[
    torch.randperm(len(spam) + len(ham), generator=torch.Generator().manual_seed(0))
].tolist()
common = Counter(w for i in keep for w in texts[i]).most_common(1200)
stoi = {w: k + 2 for k, (w, _) in enumerate(common)}


def encode(words):
    ids = [stoi.get(w, 1) for w in words[:MAX_LEN]]
    return ids + [0] * (MAX_LEN - len(ids))


X = torch.tensor([encode(texts[i]) for i in keep])
y = torch.tensor([int(labels[i]) for i in keep])
n = int(0.75 * len(y))


class FastText(nn.Module):
    def __init__(self, vocab, dim=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim, padding_idx=0)
        self.fc = nn.Linear(dim, 2)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1)
        return self.fc((self.emb(ids) * mask).sum(1) / mask.sum(1).clamp(min=1))


model = FastText(1202)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    model.train()
    for b in torch.randperm(n).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[b]), y[b])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(X[n:]).argmax(1) == y[n:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} acc {acc:.3f}")
finish("accuracy", acc)
