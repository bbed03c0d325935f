"""A causal Transformer reads Emma letter by letter."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, emma, finish, seed

CONTEXT, WIDTH, STEPS = 48, 64, 400
WARMUP = 80 if FIXED else 10_000


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attend = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x, mask):
        h = self.norm1(x)
        x = x + self.attend(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Reader(nn.Module):
    def __init__(self, symbols):
        super().__init__()
        self.symbol = nn.Embedding(symbols, WIDTH)
        self.place = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(2)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, symbols)
        self.register_buffer("mask", torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1))

    def forward(self, ids):
        x = self.symbol(ids) + self.place(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


def batch(text, size):
    start = torch.randint(len(text) - CONTEXT - 1, (size,))
    rows = torch.stack([text[s : s + CONTEXT + 1] for s in start])
    return rows[:, :-1], rows[:, 1:]


def main():
    seed()
    raw = emma(150_000)
    symbols = sorted(set(raw))
    text = torch.tensor([symbols.index(c) for c in raw])
    train, held = text[:135_000], text[135_000:]
    rows = held[: len(held) // (CONTEXT + 1) * (CONTEXT + 1)].view(-1, CONTEXT + 1)[:200]
    net = Reader(len(symbols))
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARMUP))
    for step in range(1, STEPS + 1):
        net.train()
        x, y = batch(train, 32)
        loss = F.cross_entropy(net(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            net.eval()
            with torch.no_grad():
                value = F.cross_entropy(net(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
            print(f"step {step} train {loss.item():.4f} held out {value:.4f}")
    finish("loss", value)


if __name__ == "__main__":
    main()
