"""Two encoders bring English and Spanish verses together, with a contrastive loss over the batch."""

import re

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, seed, verses

seed()
pairs = verses(2400)


def bags(texts, size=1500):
    words = [re.findall(r"\w+", t.lower()) for t in texts]
    count = {}
    for line in words[:2000]:
        for w in line:
            count[w] = count.get(w, 0) + 1
    vocabulary = {w: i for i, w in enumerate(sorted(count, key=count.get, reverse=True)[:size])}
    ids = [torch.tensor([vocabulary[w] for w in line if w in vocabulary] or [0]) for line in words]
    weight = torch.log(len(texts) / torch.tensor([count[w] for w in vocabulary]).float().clamp(min=1)).clamp(min=0.1)
    return ids, weight


class Encoder(nn.Module):
    def __init__(self, weight, dim=96):
        super().__init__()
        self.bag = nn.EmbeddingBag(len(weight), dim, mode="sum")
        self.register_buffer("idf", weight)
        self.proj = nn.Linear(dim, 48)

    def forward(self, lines):
        flat = torch.cat(lines)
        offsets = torch.tensor([0] + [len(line) for line in lines[:-1]]).cumsum(0)
        scale = torch.tensor([len(line) for line in lines]).sqrt().unsqueeze(1)
        return F.normalize(self.proj(self.bag(flat, offsets, per_sample_weights=self.idf[flat]) / scale), dim=1)


(en, w_en), (es, w_es) = bags([p[0] for p in pairs]), bags([p[1] for p in pairs])
left, right, temperature = Encoder(w_en), Encoder(w_es), nn.Parameter(torch.tensor(2.3))
params = [*left.parameters(), *right.parameters(), temperature]
opt = torch.optim.Adam(params, lr=2e-3)
for epoch in range(12):
    for b in torch.randperm(2000).split(100):
        i = b.tolist()
        logits = temperature.exp() * left([en[k] for k in i]) @ right([es[k] for k in i]).T
        goal = torch.arange(len(i))
        loss = (F.cross_entropy(logits, goal) + F.cross_entropy(logits.T, goal)) / 2
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        found = (left(en[2000:]) @ right(es[2000:]).T).argmax(1)
        top1 = (found == torch.arange(400)).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} top-1 of 400: {top1:.3f}")
finish("top1", top1)
