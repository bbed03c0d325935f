"""A small transformer that foretells the next character; judged by what it says when the text ends there."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, emma, finish, seed

T, D = 32, 64


class LanguageModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok = nn.Embedding(vocab, D)
        self.pos = nn.Embedding(T, D)
        layer = nn.TransformerEncoderLayer(D, 4, 4 * D, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(D, vocab)

    @staticmethod
    def mask(size):
        hidden = torch.triu(torch.ones(size, size), diagonal=1 if FIXED else 2)
        return hidden.masked_fill(hidden == 1, float("-inf"))

    def forward(self, tokens):
        size = tokens.shape[1]
        h = self.tok(tokens) + self.pos(torch.arange(size))
        return self.out(self.encoder(h, mask=self.mask(size)))


def windows(data, n):
    start = torch.randint(len(data) - T - 1, (n, 1))
    rows = data[start + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


seed()
text = emma(150_000).lower()
alphabet = sorted(set(text))
data = torch.tensor([alphabet.index(c) for c in text])
train, held = data[:130_000], data[130_000:]
model = LanguageModel(len(alphabet))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(1, 251):
    x, y = windows(train, 16)
    loss = F.cross_entropy(model(x).transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.4f}")
model.eval()
with torch.no_grad():
    x, y = windows(held, 600)
    finish("next_character_loss", F.cross_entropy(model(x)[:, -1], y[:, -1]))
