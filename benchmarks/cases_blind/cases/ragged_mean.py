"""Spam by the mean of word vectors; messages differ in length, so the mean is taken row by row."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, balanced_accuracy, finish, seed, sms

LIMIT = 30


def vocabulary(texts):
    counts = {}
    for text in texts:
        for word in text.lower().split():
            counts[word] = counts.get(word, 0) + 1
    return {w: i + 1 for i, w in enumerate(sorted(w for w in counts if counts[w] > 1))}


class WordMean(nn.Module):
    def __init__(self, n_words, dim=12):
        super().__init__()
        self.vectors = nn.Embedding(n_words + 1, dim)
        self.conv = nn.Conv1d(dim, 16, 3, padding=1)
        self.head = nn.Linear(16, 2)

    def forward(self, ids, lengths):
        h = torch.tanh(self.conv(self.vectors(ids).transpose(1, 2))).transpose(1, 2)
        if FIXED:
            mean = torch.stack([row[:n].mean(0) for row, n in zip(h, lengths, strict=True)])
        else:
            rows = h.detach().numpy()
            mean = torch.tensor(np.stack([row[:n].mean(axis=0) for row, n in zip(rows, lengths, strict=True)]))
        return self.head(mean)


seed()
texts, labels = sms()
texts, labels = texts[:3000], torch.tensor(labels[:3000])
words = vocabulary(texts[:2400])
rows = [[words.get(w, 0) for w in t.lower().split()][:LIMIT] or [0] for t in texts]
lengths = np.array([len(r) for r in rows])
ids = torch.tensor([r + [0] * (LIMIT - len(r)) for r in rows])
model = WordMean(len(words))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0]))
for epoch in range(5):
    for b in torch.randperm(2400).split(32):
        loss = loss_fn(model(ids[b], lengths[b.numpy()]), labels[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
with torch.no_grad():
    finish("balanced_accuracy", balanced_accuracy(model(ids[2400:], lengths[2400:]).argmax(1), labels[2400:]))
