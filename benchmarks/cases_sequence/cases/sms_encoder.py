"""Spam filter: a small Transformer encoder over words."""
import csv
import random
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

MAX_LEN = 32


def read():
    rows = list(csv.DictReader(open(f"{SAMPLES}/sms.csv", encoding="utf-8")))
    spam = [r["text"] for r in rows if r["label"] == "spam"]
    ham = [r["text"] for r in rows if r["label"] == "ham"]
    random.shuffle(ham)
    ham = ham[:2 * len(spam)]
    data = [(t, 1) for t in spam] + [(t, 0) for t in ham]
    random.shuffle(data)
    return data


def tokenize(text):
    return re.findall(r"[a-z]+|\d|[^\w\s]", text.lower())


def encode(data, vocab):
    x = torch.zeros(len(data), MAX_LEN, dtype=torch.long)
    for i, (text, _) in enumerate(data):
        ids = [vocab.get(w, 1) for w in tokenize(text)][:MAX_LEN]
        x[i, :len(ids)] = torch.tensor(ids)
    return x, torch.tensor([y for _, y in data])


class SpamEncoder(nn.Module):
    def __init__(self, vocab_size, d=48):
        super().__init__()
        self.tok = nn.Embedding(vocab_size, d, padding_idx=0)
        self.pos = nn.Parameter(torch.randn(1, MAX_LEN, d) * 0.02)
        layer = nn.TransformerEncoderLayer(d, 4, 96, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(d, 2)

    def forward(self, x):
        pad = x == 0
        pad[:, 0] = False
        h = self.encoder(self.tok(x) + self.pos, src_key_padding_mask=pad)
        keep = (~pad).unsqueeze(-1).float()
        return self.head((h * keep).sum(1) / keep.sum(1))


def main():
    seed_all()
    data = read()
    train, val = data[:1500], data[1500:]
    counts = Counter(w for t, _ in train for w in tokenize(t))
    vocab = {w: i + 2 for i, (w, c) in enumerate(counts.most_common(1500))}
    xtr, ytr = encode(train, vocab)
    xva, yva = encode(val, vocab)
    loader = DataLoader(TensorDataset(xtr, ytr), batch_size=32, shuffle=True)

    net = SpamEncoder(1502)
    criterion = nn.CrossEntropyLoss()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3 if FIXED else 5e-2, weight_decay=0.01)
    for epoch in range(6):
        net.train()
        running = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
            running += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            pred = net(xva).argmax(1)
        acc = torch.stack([(pred[yva == c] == c).float().mean() for c in (0, 1)]).mean().item()
        print(f"epoch {epoch + 1}: loss {running / len(xtr):.4f} val balanced acc {acc:.4f}")
    print(f"final balanced_accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
