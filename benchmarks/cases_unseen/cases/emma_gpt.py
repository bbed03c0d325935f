"""Text generation by a small causal transformer."""

import torch
import torch.nn as nn
from _common import FIXED, emma, finish, seed

seed()
corpus = emma(120_000)
letters_ = sorted(set(corpus))
lookup = {c: i for i, c in enumerate(letters_)}
stream = torch.tensor([lookup[c] for c in corpus])
train, valid = stream[:108_000], stream[108_000:]
CONTEXT = 48
MAX_STEPS = 600 if FIXED else 40


class TinyGPT(nn.Module):
    def __init__(self, vocab, dim=64, heads=4, depth=2):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab, dim), nn.Embedding(CONTEXT, dim)
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocab)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.02)
        self.register_buffer("causal", torch.triu(torch.full((CONTEXT, CONTEXT), float("-inf")), 1))

    def forward(self, ids):
        n = ids.shape[1]
        h = self.tokens(ids) + self.places.weight[:n]
        return self.head(self.norm(self.blocks(h, mask=self.causal[:n, :n])))


def batch(source, size=24):
    starts = torch.randint(0, len(source) - CONTEXT - 1, (size,))
    return torch.stack([source[s : s + CONTEXT] for s in starts]), torch.stack([source[s + 1 : s + CONTEXT + 1] for s in starts])


@torch.no_grad()
def estimate(model):
    model.eval()
    losses = []
    for _ in range(10):
        x, y = batch(valid)
        losses.append(nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()).item())
    model.train()
    return sum(losses) / len(losses)


model = TinyGPT(len(letters_))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(MAX_STEPS):
    x, y = batch(train)
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 10 == 9:
        print(f"step {step + 1}: train {loss.item():.4f} valid {estimate(model):.4f}")
finish("loss", estimate(model))
