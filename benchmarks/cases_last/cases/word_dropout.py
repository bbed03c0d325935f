"""Verses of two books told apart; words are dropped at random in training, as some papers advise."""

import torch
from _common import FIXED, finish, seed, verses
from torch import nn

KEEP = 0.9


def word_dropout(tokens, p, unknown=1):
    """Replace each word by the unknown one with probability p."""
    dropped = (torch.rand(tokens.shape) < p) & (tokens > 0)
    return tokens.masked_fill(dropped, unknown)


class Conv(nn.Module):
    def __init__(self, words, dim=48):
        super().__init__()
        self.words = nn.Embedding(words, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, 64, 3, padding=1)
        self.head = nn.Linear(64, 1)

    def forward(self, tokens):
        h = torch.relu(self.conv(self.words(tokens).transpose(1, 2)))
        return self.head(h.amax(2)).squeeze(1)


seed()
source = [pair[0].lower().split() for pair in verses(2400)]
half = [sum(w.endswith(("ed", "eth")) for w in text) >= 2 for text in source]  # told in the past
yes, no = [i for i in range(len(half)) if half[i]], [i for i in range(len(half)) if not half[i]]
k = min(len(yes), len(no))
order = torch.tensor(yes[:k] + no[:k])[torch.randperm(2 * k)].tolist()
counts = {}
for i in order:
    for word in source[i]:
        counts[word] = counts.get(word, 0) + 1
index = {w: j + 2 for j, w in enumerate(sorted(counts, key=counts.get, reverse=True)[:3000])}
x = torch.tensor([([index.get(w, 1) for w in source[i]] + [0] * 40)[:40] for i in order])
y = torch.tensor([float(half[i]) for i in order])
n = int(0.75 * len(x))
model = Conv(3002)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for idx in torch.randperm(n).split(32):
        tokens = word_dropout(x[idx], 1 - KEEP if FIXED else KEEP)
        loss = nn.functional.binary_cross_entropy_with_logits(model(tokens), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = ((model(x[n:]) > 0) == (y[n:] > 0.5)).float().mean()
    if epoch % 3 == 2:
        print(epoch + 1, round(loss.item(), 4), round(accuracy.item(), 4))
finish("accuracy", accuracy)
