"""Spam or not, as many of each: words become numbers, numbers embeddings, and their mean is classified."""

from collections import Counter

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, sms


class Texts:
    """Build a vocabulary and turn texts into rows of numbers."""

    def __init__(self, size=2000, length=24):
        self.size, self.length, self.index = size, length, None

    def fit(self, texts):
        common = Counter(word for text in texts for word in text).most_common(self.size - 2)
        self.index = {word: i + 2 for i, (word, _) in enumerate(common)}
        return self

    def transform(self, texts):
        rows = [[self.index.get(word, 1) for word in text][: self.length] for text in texts]
        return torch.tensor([row + [0] * (self.length - len(row)) for row in rows])

    def fit_transform(self, texts):
        return self.fit(texts).transform(texts)


class MeanEmbedding(nn.Module):
    def __init__(self, size, dim=32):
        super().__init__()
        self.embedding = nn.Embedding(size, dim, padding_idx=0)
        self.out = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, tokens):
        weight = (tokens > 0).float().unsqueeze(-1)
        return self.out((self.embedding(tokens) * weight).sum(1) / weight.sum(1).clamp(min=1))


seed()
texts, labels = sms()
spam = [i for i in range(len(labels)) if labels[i]]
ham = [i for i in range(len(labels)) if not labels[i]][: len(spam)]
order = [pair for both in zip(spam, ham, strict=True) for pair in both]
texts, labels = [texts[i] for i in order], torch.tensor(labels[order])
n = int(0.7 * len(texts))
prepare = Texts()
x_train = prepare.fit_transform(texts[:n])
x_test = prepare.transform(texts[n:]) if FIXED else prepare.fit_transform(texts[n:])
y_train, y_test = labels[:n], labels[n:]
model = MeanEmbedding(2000)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for idx in torch.randperm(n).split(32):
        loss = nn.functional.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = model(x_test)
        accuracy = (out.argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: train {loss.item():.4f} test {nn.functional.cross_entropy(out, y_test):.4f} {accuracy:.3f}")
finish("accuracy", accuracy)
