"""Spam filter: word embeddings pooled by learned attention over the known words of a message."""
import csv
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

MAX_WORDS = 30


class Messages(Dataset):
    def __init__(self, rows, index):
        self.items = []
        for r in rows:
            ids = [index[w] for w in words(r["text"]) if w in index][:MAX_WORDS]
            self.items.append((ids, float(r["label"] == "spam")))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def words(text):
    return re.findall(r"[a-z']+|\d+|[!?£]", text.lower())


def collate(batch):
    first = [1] if FIXED else []
    x = torch.zeros(len(batch), MAX_WORDS + 1, dtype=torch.long)
    for i, (ids, _) in enumerate(batch):
        ids = first + ids
        x[i, : len(ids)] = torch.tensor(ids, dtype=torch.long)
    return x, torch.tensor([y for _, y in batch])


class AttentionPool(nn.Module):
    def __init__(self, vocab, width=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, width, padding_idx=0)
        self.score = nn.Sequential(nn.Linear(width, 32), nn.Tanh(), nn.Linear(32, 1))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        e = self.emb(x)
        s = self.score(e).squeeze(2).masked_fill(x == 0, float("-inf"))
        pooled = (s.softmax(1).unsqueeze(2) * e).sum(1)
        return self.head(pooled).squeeze(1)


def main():
    seed_all()
    with open(SAMPLES / "sms.csv", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    spam = [r for r in rows if r["label"] == "spam"]
    ham = [r for r in rows if r["label"] == "ham"][: 2 * len(spam)]
    rows = spam + ham
    perm = torch.randperm(len(rows), generator=torch.Generator().manual_seed(9)).tolist()
    cut = len(rows) - 400
    train_rows, val_rows = [rows[i] for i in perm[:cut]], [rows[i] for i in perm[cut:]]
    counts = Counter(w for r in train_rows for w in words(r["text"]))
    index = {w: k + 2 for k, (w, n) in enumerate(counts.most_common(1200))}
    train = DataLoader(Messages(train_rows, index), 32, shuffle=True, collate_fn=collate)
    val = DataLoader(Messages(val_rows, index), 100, collate_fn=collate)
    net = AttentionPool(len(index) + 2)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        net.train()
        tl = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = bce(net(x), y)
            loss.backward()
            opt.step()
            tl += loss.item() / len(train)
        net.eval()
        vl, hit, total = 0.0, torch.zeros(2), torch.zeros(2)
        with torch.no_grad():
            for x, y in val:
                out = net(x)
                vl += bce(out, y).item() / len(val)
                for c in (0, 1):
                    hit[c] += ((out > 0) == bool(c))[y == c].sum()
                    total[c] += (y == c).sum()
        score = (hit / total).mean().item()
        print(f"epoch {epoch + 1}: train {tl:.4f} val {vl:.4f} balanced accuracy {score:.4f}")
    print(f"final balanced_accuracy {score:.4f}")


if __name__ == "__main__":
    main()
