"""Which words matter? Attention over the words of a message, then one unit for spam."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed, sms


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, h):
        weights = F.softmax(self.score(h), dim=1 if FIXED else 0)
        return (weights * h).sum(1)


class SpamNet(nn.Module):
    def __init__(self, words, dim=32):
        super().__init__()
        self.embedding = nn.Embedding(words, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.attention = Attention(2 * dim)
        self.out = nn.Linear(2 * dim, 1)

    def forward(self, tokens):
        h, _ = self.gru(self.embedding(tokens))
        return self.out(self.attention(h)).squeeze(1)


seed()
texts, labels = sms()
spam = [i for i, label in enumerate(labels) if label][:480]
ham = [i for i, label in enumerate(labels) if not label][:480]
order = [i for pair in zip(spam, ham, strict=True) for i in pair]
seen = {}
for i in order[:700]:
    for word in texts[i]:
        seen[word] = seen.get(word, 0) + 1
index = {w: k + 2 for k, w in enumerate(w for w, n in seen.items() if n > 1)}
x = torch.tensor([([index.get(w, 1) for w in texts[i]] + [0] * 20)[:20] for i in order])
y = torch.tensor(labels[order]).float()
model = SpamNet(len(index) + 2)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for idx in torch.randperm(700).split(28):
        loss = F.binary_cross_entropy_with_logits(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        alone = torch.cat([model(message[None]) for message in x[700:]])  # one by one, as in use
        accuracy = ((alone > 0) == (y[700:] > 0.5)).float().mean()
        valid = F.binary_cross_entropy_with_logits(alone, y[700:])
    print(f"epoch {epoch + 1} train {loss.item():.4f} valid {valid:.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
