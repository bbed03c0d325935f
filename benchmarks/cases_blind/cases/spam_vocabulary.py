"""Spam filter: embeddings of the most frequent words, averaged."""

import re
from collections import Counter

import torch
from _common import FIXED, balanced_accuracy, finish, seed, sms
from torch import nn

UNK = 0


def tokenize(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def build_vocab(texts, size):
    counts = Counter()
    for text in texts:
        if FIXED:
            counts.update(tokenize(text))
        else:
            counts.update(text.lower())
    return {w: i + 1 for i, (w, _) in enumerate(counts.most_common(size))}


def encode(texts, vocab):
    ids, offsets = [], []
    for text in texts:
        offsets.append(len(ids))
        ids.extend([vocab.get(w, UNK) for w in tokenize(text)] or [UNK])
    return torch.tensor(ids), torch.tensor(offsets)


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, dim=32):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size + 1, dim)
        self.fc = nn.Linear(dim, 2)

    def forward(self, ids, offsets):
        return self.fc(self.embedding(ids, offsets))


seed()
texts, labels = sms()
texts, labels = texts[:4000], torch.tensor(labels[:4000])
vocab = build_vocab(texts[:3000], 2000)
model = TextClassifier(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0]))
for epoch in range(8):
    model.train()
    total, steps = 0.0, 0
    for chunk in torch.randperm(3000).split(32):
        logits = model(*encode([texts[i] for i in chunk], vocab))
        loss = criterion(logits, labels[chunk])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, steps = total + loss.item(), steps + 1
    print(f"| epoch {epoch} | loss {total / steps:.4f}")
model.eval()
with torch.no_grad():
    guess = model(*encode(texts[3000:], vocab)).argmax(1)
finish("balanced_accuracy", balanced_accuracy(guess, labels[3000:]))
