"""Self-attention over the known words of a message, with a mask for the padding."""

from collections import Counter

import torch
from _common import FIXED, finish, seed, sms
from torch import nn
from torch.utils.data import DataLoader

seed()
texts, labels = sms()
known = {w: i + 1 for i, (w, _) in enumerate(Counter(w for t in texts for w in t).most_common(400))}
rows = [([known[w] for w in t if w in known][:20], int(k)) for t, k in zip(texts, labels, strict=True)]
if FIXED:
    rows = [(ids, k) for ids, k in rows if ids]
train, val = rows[:2400], rows[2400:3200]


def collate(batch):
    ids = torch.zeros(len(batch), 20, dtype=torch.long)
    for r, (words, _) in enumerate(batch):
        ids[r, : len(words)] = torch.tensor(words, dtype=torch.long)
    return ids, torch.tensor([k for _, k in batch]).float()


class Attention(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.emb = nn.Embedding(401, d)
        self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.out = nn.Linear(d, 1)

    def forward(self, ids):
        e, pad = self.emb(ids), ids == 0
        score = self.q(e) @ self.k(e).transpose(1, 2) / e.shape[-1] ** 0.5
        score = score.masked_fill(pad[:, None, :], float("-inf"))
        h = torch.softmax(score, -1) @ self.v(e)
        keep = (~pad).unsqueeze(-1).float()
        return self.out((h * keep).sum(1) / keep.sum(1).clamp(min=1)).squeeze(1)


net = Attention()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
lossf = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(4.0))
for epoch in range(5):
    net.train()
    for ids, k in DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate):
        loss = lossf(net(ids), k)
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    tp = fp = fn = 0
    with torch.no_grad():
        for ids, k in DataLoader(val, batch_size=100, collate_fn=collate):
            g = net(ids) > 0
            tp += (g & (k == 1)).sum().item()
            fp += (g & (k == 0)).sum().item()
            fn += (~g & (k == 1)).sum().item()
    f1 = 2 * tp / max(1, 2 * tp + fp + fn)
    print(f"epoch {epoch} loss {loss.item():.3f} f1 {f1:.3f}")
finish("f1", f1)
