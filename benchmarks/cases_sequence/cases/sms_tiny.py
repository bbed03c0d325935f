"""Spam with fewer than ten thousand numbers: mean of eight-dimensional embeddings, weighted loss, all messages."""
import csv
import random
import re
from collections import Counter

import torch
from torch import nn

from _common import SAMPLES, seed_all

WORDS = 1000


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(WORDS + 1, 8, mode="mean")
        self.out = nn.Linear(8, 1)

    def forward(self, flat, offsets):
        return self.out(self.bag(flat, offsets)).squeeze(1)


def collate(rows):
    flat = torch.tensor([i for ids, _ in rows for i in ids])
    lengths = torch.tensor([0] + [len(ids) for ids, _ in rows[:-1]])
    return flat, lengths.cumsum(0), torch.tensor([float(y) for _, y in rows])


def main():
    seed_all()
    with open(f"{SAMPLES}/sms.csv", encoding="utf-8") as f:
        rows = [(re.findall(r"[a-z]+|\d+|[!£?]", r["text"].lower()), int(r["label"] == "spam"))
                for r in csv.DictReader(f)]
    seen, unique = set(), []
    for words, label in rows:
        if words and tuple(words) not in seen:
            seen.add(tuple(words))
            unique.append((words, label))
    random.Random(4).shuffle(unique)
    cut = int(0.8 * len(unique))
    counts = Counter("#" if w.isdigit() else w for words, _ in unique[:cut] for w in words)
    vocab = {w: i + 1 for i, (w, _) in enumerate(counts.most_common(WORDS))}
    data = [([vocab.get("#" if w.isdigit() else w, 0) for w in words], y) for words, y in unique]
    train, test = data[:cut], data[cut:]
    positives = sum(y for _, y in train)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((len(train) - positives) / positives))
    net = Bag()
    print(sum(p.numel() for p in net.parameters()), "parameters")
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(10):
        net.train()
        random.shuffle(train)
        total = 0.0
        for s in range(0, len(train), 64):
            flat, offsets, y = collate(train[s:s + 64])
            opt.zero_grad()
            loss = criterion(net(flat, offsets), y)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            flat, offsets, y = collate(test)
            p = (net(flat, offsets) > 0).float()
        acc = sum((p[y == c] == c).float().mean().item() for c in (0, 1)) / 2
        print(f"epoch {epoch + 1}: loss {total / (len(train) // 64 + 1):.4f}, balanced accuracy {acc:.4f}")
    print(f"final balanced_accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
