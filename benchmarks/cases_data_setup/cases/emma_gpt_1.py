"""Word model of Emma: a small GPT with tied input and output embeddings."""
import math
import re
from collections import Counter

import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, SAMPLES, seed_all

CONTEXT, BATCH, STEPS, WORDS = 32, 24, 250, 1500


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(self.ln1(x)).chunk(3, 2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class WordGPT(nn.Module):
    def __init__(self, vocab, dim=96, depth=2, heads=4):
        super().__init__()
        self.token = nn.Embedding(vocab, dim)
        self.position = nn.Embedding(CONTEXT, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.token.weight
        spread = 0.02 if FIXED else 1.0
        nn.init.normal_(self.token.weight, std=spread)
        nn.init.normal_(self.position.weight, std=spread)

    def forward(self, ids):
        x = self.token(ids) + self.position.weight[:ids.shape[1]]
        return self.head(self.norm(self.blocks(x)))


def sample(ids, generator=None):
    start = torch.randint(len(ids) - CONTEXT - 1, (BATCH,), generator=generator)
    chunk = torch.stack([ids[s:s + CONTEXT + 1] for s in start])
    return chunk[:, :-1], chunk[:, 1:]


@torch.no_grad()
def evaluate(model, ids):
    model.eval()
    generator = torch.Generator().manual_seed(1)
    total = 0.0
    for _ in range(12):
        x, y = sample(ids, generator)
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    model.train()
    return total / 12


def main():
    seed_all()
    text = (SAMPLES / "emma.txt").read_text(encoding="utf-8").lower()
    words = re.findall(r"[a-z']+|[.,;:!?]", text)
    cut = int(0.9 * len(words))
    known = {w: k + 1 for k, (w, _) in enumerate(Counter(words[:cut]).most_common(WORDS - 1))}
    ids = torch.tensor([known.get(w, 0) for w in words])
    train, val = ids[:cut], ids[cut:]
    model = WordGPT(WORDS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    warm = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1, (s + 1) / 20) * 0.5 * (1 + math.cos(math.pi * s / STEPS)))
    running = 0.0
    for step in range(STEPS):
        x, y = sample(train)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        warm.step()
        running += loss.item()
        if (step + 1) % 50 == 0:
            val_loss = evaluate(model, val)
            print(f"step {step + 1} train {running / 50:.4f} val {val_loss:.4f} ppl {math.exp(val_loss):.3f}")
            running = 0.0
    print(f"final val_loss {val_loss:.4f}")


if __name__ == "__main__":
    main()
