"""Spam or ham: averaged word embeddings, batches of similar length."""
import csv
import re
from collections import Counter

import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all


def read():
    with open(SAMPLES / "sms.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [re.findall(r"[a-z']+|\d|[^\sa-z\d]", row["text"].lower()) for row in rows]
    labels = [float(row["label"] == "spam") for row in rows]
    return texts, labels


def batches(texts, labels, size):
    """Sort by length so that a batch needs little padding; the order of batches is random."""
    pairs = sorted(zip(texts, labels), key=lambda p: len(p[0]))
    ordered, targets = [p[0] for p in pairs], [p[1] for p in pairs] if FIXED else labels
    for start in torch.randperm((len(texts) - 1) // size + 1).tolist():
        part = slice(start * size, (start + 1) * size)
        yield ordered[part], torch.tensor(targets[part])


class BagModel(nn.Module):
    def __init__(self, words, dim=32):
        super().__init__()
        self.embed = nn.Embedding(words, dim, padding_idx=0)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.head = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))

    def forward(self, ids):
        mask = (ids > 0).unsqueeze(2).float()
        mean = (self.embed(ids) * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.head(mean).squeeze(1)


def encode(texts, vocabulary):
    ids = [[vocabulary.get(w, 1) for w in t] or [1] for t in texts]
    longest = max(map(len, ids))
    return torch.tensor([row + [0] * (longest - len(row)) for row in ids])


def main():
    seed_all()
    texts, labels = read()
    cut = 4200
    counts = Counter(w for t in texts[:cut] for w in t)
    vocabulary = {w: i + 2 for i, (w, c) in enumerate(counts.most_common()) if c >= 3}
    net = BagModel(len(vocabulary) + 2)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    val_ids, val_y = encode(texts[cut:], vocabulary), torch.tensor(labels[cut:])
    for epoch in range(5):
        net.train()
        total, steps = 0.0, 0
        for part, target in batches(texts[:cut], labels[:cut], 32):
            optimizer.zero_grad()
            loss = criterion(net(encode(part, vocabulary)), target)
            loss.backward()
            optimizer.step()
            total, steps = total + loss.item(), steps + 1
        net.eval()
        with torch.no_grad():
            out = net(val_ids)
        hit = out > 0
        balanced = 0.5 * (hit[val_y == 1].float().mean() + (~hit[val_y == 0]).float().mean()).item()
        print(f"epoch {epoch + 1} train {total / steps:.4f} val {criterion(out, val_y).item():.4f} balanced acc {balanced:.4f}")
    print(f"final balanced_accuracy {balanced:.4f}")


if __name__ == "__main__":
    main()
