"""Character language model on Emma: a small GPT written by hand."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, SAMPLES, seed_all

BLOCK, WIDTH, HEADS, DEPTH = 32, 96, 4, 2
BATCH, STEPS, EVERY = 20, 300, 30
CHARS = 400_000 if FIXED else 2_500


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = (z.view(b, t, HEADS, -1).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(b, t, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.att = Attention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.mlp(self.n2(x))


class GPT(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, WIDTH), nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.Sequential(*[Block() for _ in range(DEPTH)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocab)

    def forward(self, t):
        x = self.tok(t) + self.pos(torch.arange(t.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def batch(stream, starts):
    x = torch.stack([stream[s:s + BLOCK] for s in starts])
    y = torch.stack([stream[s + 1:s + BLOCK + 1] for s in starts])
    return x, y


def main():
    seed_all()
    text = (SAMPLES / "emma.txt").read_text().lower()
    alphabet = sorted(set(text))
    ids = torch.tensor([alphabet.index(c) for c in text[:500_000]])
    train, valid = ids[1000:1000 + CHARS], ids[450_000:470_000]
    model = GPT(len(alphabet))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    vx, vy = batch(valid, range(0, len(valid) - BLOCK - 1, 400))
    running = []
    for step in range(1, STEPS + 1):
        model.train()
        x, y = batch(train, torch.randint(len(train) - BLOCK - 1, (BATCH,)).tolist())
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        running.append(loss.item())
        if step % EVERY == 0:
            model.eval()
            with torch.no_grad():
                val = F.cross_entropy(model(vx).flatten(0, 1), vy.flatten()).item()
            print(f"step {step}: train {sum(running) / len(running):.4f} valid {val:.4f}")
            running = []
    print(f"final bits_per_char {val / math.log(2):.4f}")


if __name__ == "__main__":
    main()
