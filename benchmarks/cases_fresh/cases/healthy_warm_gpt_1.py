"""A character GPT with warm-up, cosine decay, weight decay on matrices only, and clipping."""

import math

import torch
from _common import emma, finish, seed
from torch import nn
from torch.nn import functional as F

T, D, STEPS, WARM, PEAK = 32, 64, 300, 30, 3e-3
seed()
text = emma(150_000)
kinds = sorted(set(text))
lookup = {c: i for i, c in enumerate(kinds)}
data = torch.tensor([lookup[c] for c in text])
train, val = data[:135_000], data[135_000:]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(len(kinds), D), nn.Embedding(T, D)
        layer = nn.TransformerEncoderLayer(D, 4, 4 * D, 0.0, "gelu", batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, nn.LayerNorm(D), enable_nested_tensor=False)
        self.head = nn.Linear(D, len(kinds), bias=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(T))
        nn.init.normal_(self.tok.weight, std=0.02)
        nn.init.normal_(self.pos.weight, std=0.02)

    def forward(self, ids):
        h = self.tok(ids) + self.pos.weight[: ids.shape[1]]
        return self.head(self.body(h, mask=self.mask, is_causal=True))


def batch(source, n=24):
    rows = source.unfold(0, T + 1, 1)[torch.randint(0, len(source) - T, (n,))]
    return rows[:, :-1], rows[:, 1:]


def rate(step):
    if step < WARM:
        return PEAK * (step + 1) / WARM
    return PEAK * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARM) / (STEPS - WARM))))


net = Decoder()
matrices = [p for p in net.parameters() if p.dim() > 1]
vectors = [p for p in net.parameters() if p.dim() < 2]
opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], lr=PEAK)
for step in range(STEPS):
    for group in opt.param_groups:
        group["lr"] = rate(step)
    x, y = batch(train)
    loss = F.cross_entropy(net(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    if step % 50 == 49:
        net.eval()
        with torch.no_grad():
            x, y = batch(val, 200)
            held = F.cross_entropy(net(x).flatten(0, 1), y.flatten()).item()
        net.train()
        print(f"{step + 1} train {loss.item():.3f} val {held:.3f}")
finish("loss", held)
