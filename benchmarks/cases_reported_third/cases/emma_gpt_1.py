"""A character GPT on Jane Austen's Emma."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, emma, seed_all

BLOCK, DIM, HEADS, LAYERS, BATCH = 48, 64, 4, 2, 24


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.proj = nn.Linear(DIM, DIM)
        mask = torch.ones(BLOCK, BLOCK, dtype=torch.bool)
        self.register_buffer("mask", mask.tril() if FIXED else mask.triu())

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (m.view(b, t, HEADS, c // HEADS).transpose(1, 2) for m in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask[:t, :t])
        return self.proj(y.transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attn = SelfAttention()
        self.mlp = nn.Sequential(nn.Linear(DIM, 4 * DIM), nn.GELU(), nn.Linear(4 * DIM, DIM))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, DIM), nn.Embedding(BLOCK, DIM)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.ln = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, vocab, bias=False)
        self.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.05)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        logits = self.head(self.ln(self.blocks(x)))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


def get_batch(data, n=BATCH):
    ix = torch.randint(len(data) - BLOCK - 1, (n,)).tolist()
    return torch.stack([data[i:i + BLOCK] for i in ix]), torch.stack([data[i + 1:i + BLOCK + 1] for i in ix])


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    losses, right, seen = [], 0, 0
    for _ in range(12):
        x, y = get_batch(data, 64)
        losses.append(model(x, y)[1].item())
        logits, _ = model(x)
        right += (logits[:, -1].argmax(-1) == y[:, -1]).sum().item()
        seen += len(x)
    model.train()
    return sum(losses) / len(losses), right / seen


def main():
    seed_all()
    text = emma().replace("\r", "").lower()
    text = "".join(c for c in text if c in "abcdefghijklmnopqrstuvwxyz \n.,;'-\"!?")
    chars = sorted(set(text))
    ids = {c: i for i, c in enumerate(chars)}
    data = torch.tensor([ids[c] for c in text])
    cut = int(0.9 * len(data))
    train, val = data[:cut], data[cut:]
    model = GPT(len(chars))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.05)
    steps, warmup = 900, 60
    for step in range(steps):
        rate = min(1.0, (step + 1) / warmup) * (0.55 + 0.45 * math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * rate
        _, loss = model(*get_batch(train))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0:
            val_loss, acc = evaluate(model, val)
            print(f"step {step + 1}: train loss {loss.item():.4f}, val loss {val_loss:.4f}, continuing an excerpt: {acc:.4f} right")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
