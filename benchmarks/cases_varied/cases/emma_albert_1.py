"""Restore the vowels of Emma: one bidirectional Transformer layer used three times, embedding and output share their weights."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import SAMPLES, seed_all

ALPHABET = "*abcdefghijklmnopqrstuvwxyz ,.;'-\"?!"
SPAN, D, BATCH = 32, 48, 32


def load():
    text = (SAMPLES / "emma.txt").read_text(encoding="utf-8").lower()[:330000]
    code = {c: i for i, c in enumerate(ALPHABET)}
    ids = torch.tensor([code.get(c, code[" "]) for c in text])
    vowel = torch.tensor([c in "aeiou" for c in ALPHABET])
    n = len(ids) // SPAN
    lines = ids[:n * SPAN].view(n, SPAN)
    cut = int(0.9 * n)
    return lines[:cut], lines[cut:cut + 600], vowel


class Layer(nn.Module):
    def __init__(self, d, heads=4):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.offset = nn.Parameter(torch.zeros(heads, 2 * SPAN - 1))
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 3 * d), nn.GELU(), nn.Linear(3 * d, d))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).unbind(2)
        where = torch.arange(n)[:, None] - torch.arange(n)[None] + SPAN - 1
        a = torch.einsum("bqhd,bkhd->bhqk", q, k) / (d // self.heads) ** 0.5 + self.offset[:, where]
        x = x + self.proj(torch.einsum("bhqk,bkhd->bqhd", a.softmax(-1), v).reshape(b, n, d))
        return x + self.mlp(self.n2(x))


class Restorer(nn.Module):
    def __init__(self, repeats=3):
        super().__init__()
        self.embed = nn.Embedding(len(ALPHABET), D)
        nn.init.normal_(self.embed.weight, std=D ** -0.5)
        self.layer, self.repeats, self.norm = Layer(D), repeats, nn.LayerNorm(D)
        self.out = nn.Linear(D, len(ALPHABET))
        self.out.weight = self.embed.weight

    def forward(self, tokens):
        x = self.embed(tokens) * D ** 0.5
        for _ in range(self.repeats):
            x = self.layer(x)
        return self.out(self.norm(x))


def main():
    seed_all()
    train, val, vowel = load()
    net = Restorer()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
    steps = 800
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda k: min((k + 1) / 90, 1.0) * max(0.02, 1 - k / steps))
    hole = vowel[val]
    run = 0.0
    for step in range(steps):
        net.train()
        lines = train[torch.randint(0, len(train), (BATCH,))]
        gone = vowel[lines]
        logits = net(lines.masked_fill(gone, 0))
        loss = F.cross_entropy(logits[gone], lines[gone])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        run += loss.item() / 100
        if step % 100 == 99:
            net.eval()
            with torch.no_grad():
                out = net(val.masked_fill(hole, 0))[hole]
            acc = (out.argmax(1) == val[hole]).float().mean().item()
            print(f"step {step + 1}: train {run:.4f} val {F.cross_entropy(out, val[hole]).item():.4f} vowels right {acc:.4f}")
            run = 0.0
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
