"""Tiny GPT on Emma: micro-batches of eight, gradients accumulated, warm-up and cosine, no weight decay."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import SAMPLES, seed_all

T, MICRO, ACCUMULATE, STEPS, WARMUP = 32, 8, 4, 240, 40


class Layer(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.n1, self.n2, self.h = nn.LayerNorm(d), nn.LayerNorm(d), h
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(a.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.n2(x))))


class TinyGPT(nn.Module):
    def __init__(self, vocab, d=64):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(T, d)
        self.layers = nn.ModuleList([Layer(d, 4) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=0.02)

    def forward(self, x):
        h = self.tok(x) + self.pos.weight[:x.size(1)]
        for layer in self.layers:
            h = layer(h)
        return self.head(self.norm(h))


def schedule(step):
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def batch(ids, n):
    start = torch.randint(len(ids) - T - 1, (n, 1))
    w = ids[start + torch.arange(T + 1)]
    return w[:, :-1], w[:, 1:]


seed_all()
text = open(f"{SAMPLES}/emma.txt", encoding="utf-8").read().lower()[:500_000]
index = {c: i for i, c in enumerate(sorted(set(text)))}
ids = torch.tensor([index[c] for c in text])
train, val = ids[:450_000], ids[450_000:]
model = TinyGPT(len(index))
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0)
sched = torch.optim.lr_scheduler.LambdaLR(opt, schedule)
x_val, y_val = batch(val, 600)
for step in range(STEPS):
    opt.zero_grad()
    for _ in range(ACCUMULATE):
        x, y = batch(train, MICRO)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten()) / ACCUMULATE
        loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if (step + 1) % 60 == 0:
        model.eval()
        with torch.no_grad():
            v = F.cross_entropy(model(x_val).flatten(0, 1), y_val.flatten()).item()
        model.train()
        print(f"epoch {(step + 1) // 60} step {step + 1}: train {loss.item() * ACCUMULATE:.4f} val {v:.4f}")
print(f"final val_loss {v:.4f}")
