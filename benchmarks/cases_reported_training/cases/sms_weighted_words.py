"""Spam or not: a message is the weighted mean of its words."""
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, balanced_accuracy, finish, seed, sms

LENGTH, VOCABULARY = 40, 800


class WordAttention(nn.Module):
    def __init__(self, vocabulary, width=48):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=0)
        self.mix = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.score = nn.Linear(width, 1)
        self.head = nn.Linear(width, 1)

    def forward(self, ids):
        h, _ = self.mix(self.embed(ids))
        score = self.score(h).squeeze(-1)
        score = score.masked_fill(ids == 0, -1e4 if FIXED else float("-inf"))
        weight = torch.softmax(score, dim=1)
        return self.head((weight.unsqueeze(-1) * h).sum(1)).squeeze(-1)


def encode(texts):
    tokens = [re.findall(r"[a-z]+|\d+|[£$!]", text.lower()) for text in texts]
    counts = Counter(w for t in tokens[:3600] for w in t)
    index = {w: i + 1 for i, (w, _) in enumerate(counts.most_common(VOCABULARY))}
    ids = torch.zeros(len(texts), LENGTH, dtype=torch.long)
    for row, t in enumerate(tokens):
        known = [index[w] for w in t if w in index][:LENGTH]
        ids[row, : len(known)] = torch.tensor(known, dtype=torch.long)
    return ids


def main():
    seed()
    texts, y = sms()
    ids, y = encode(texts[:4400]), torch.from_numpy(y[:4400])
    loader = DataLoader(TensorDataset(ids[:3600], y[:3600].float()), batch_size=64, shuffle=True)
    net = WordAttention(VOCABULARY + 1)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(4):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            guess = (net(ids[3600:]) > 0).long()
        score = balanced_accuracy(guess, y[3600:]).item()
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} balanced accuracy {score:.4f}")
    finish("balanced_accuracy", score)


if __name__ == "__main__":
    main()
