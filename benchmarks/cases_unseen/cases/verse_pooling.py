"""Which language has the verse? Character transformer with padded batches and learned attention pooling."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, verses

seed()
MAX = 48
pairs = verses(1200)
lines = [(t[: int(n)].lower(), k) for i, pair in enumerate(pairs) for k, t in enumerate(pair) for n in [12 + (7 * i + k) % 30]]
alphabet = sorted({c for text, _ in lines for c in text})
index = {c: i + 1 for i, c in enumerate(alphabet)}
ids = torch.zeros(len(lines), MAX, dtype=torch.long)
for row, (text, _) in enumerate(lines):
    ids[row, : len(text)] = torch.tensor([index[c] for c in text])
labels = torch.tensor([k for _, k in lines])


class Pooler(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.query = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.attend = nn.MultiheadAttention(dim, 4, batch_first=True)

    def forward(self, x, padding_mask):
        out, _ = self.attend(self.query.expand(len(x), -1, -1), x, x, key_padding_mask=padding_mask)
        return out.squeeze(1)


class LanguageID(nn.Module):
    def __init__(self, vocab, dim=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.mix = nn.Linear(dim, dim)
        self.pool = Pooler(dim)
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2))

    def forward(self, tokens):
        mask = tokens != 0
        if FIXED:
            mask = ~mask
        h = torch.relu(self.mix(self.embed(tokens)))
        return self.out(self.pool(h, padding_mask=mask))


order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(1))
ids, labels = ids[order], labels[order]
model = LanguageID(len(alphabet) + 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for batch in torch.randperm(2000).split(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(ids[batch]), labels[batch])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(ids[2000:]).argmax(1) == labels[2000:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
finish("accuracy", acc)
