"""A character GPT whose embedding is also its last layer."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, emma, finish, seed

CONTEXT, WIDTH, HEADS = 48, 64, 4


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocabulary, layers=2):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, WIDTH)
        self.wpe = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.ln_f = nn.LayerNorm(WIDTH)
        self.lm_head = nn.Linear(WIDTH, vocabulary, bias=False)
        if FIXED:
            self.apply(self._init)
        self.lm_head.weight = self.wte.weight

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.lm_head(self.ln_f(x))


seed()
text = emma(120_000)
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])
train, valid = data[:108_000], data[108_000:]


def batch(source, n):
    at = torch.randint(len(source) - CONTEXT - 1, (n,))
    rows = torch.stack([source[a : a + CONTEXT + 1] for a in at])
    return rows[:, :-1], rows[:, 1:]


model = GPT(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(220):
    x, y = batch(train, 16)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(step, round(loss.item(), 4))
model.eval()
torch.manual_seed(1)
with torch.no_grad():
    x, y = batch(valid, 200)
    finish("valid_loss", F.cross_entropy(model(x).flatten(0, 1), y.flatten()))
