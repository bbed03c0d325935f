"""A small GPT at 0.1: it learns letter frequencies and nothing more."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
text, vocab = emma(100_000)
T = 24


class Block(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(w), nn.LayerNorm(w)
        self.qkv, self.o = nn.Linear(w, 3 * w), nn.Linear(w, w)
        self.mlp = nn.Sequential(nn.Linear(w, 4 * w), nn.GELU(), nn.Linear(4 * w, w))

    def forward(self, x):
        B, t, w = x.shape
        q, k, v = self.qkv(self.n1(x)).view(B, t, 3, 2, w // 2).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(a.transpose(1, 2).reshape(B, t, w))
        return x + self.mlp(self.n2(x))


class GPT(nn.Module):
    def __init__(self, w=32):
        super().__init__()
        self.te, self.pe = nn.Embedding(vocab, w), nn.Embedding(T, w)
        self.blocks = nn.Sequential(Block(w), Block(w))
        self.nf, self.head = nn.LayerNorm(w), nn.Linear(w, vocab)

    def forward(self, i, targets=None):
        logits = self.head(self.nf(self.blocks(self.te(i) + self.pe(torch.arange(i.shape[1])))))
        return logits, F.cross_entropy(logits.reshape(-1, vocab), targets.reshape(-1))


gpt = GPT()
opt = torch.optim.AdamW(gpt.parameters(), lr=3e-3 if FIXED else 0.1)
for it in range(250):
    s = torch.randint(90_000, (24,))
    ids = torch.stack([text[k:k + T + 1] for k in s])
    _, loss = gpt(ids[:, :-1], ids[:, 1:])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 0:
        with torch.no_grad():
            s = torch.randint(90_000, 99_900, (32,))
            ids = torch.stack([text[k:k + T + 1] for k in s])
            print(it, loss.item(), gpt(ids[:, :-1], ids[:, 1:])[1].item())
