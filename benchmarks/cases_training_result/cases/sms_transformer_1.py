"""Spam filter: a small Transformer encoder over word tokens."""
import csv
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LENGTH = 32
CONFIG = dict(d_model=48, heads=4, layers=2, dropout=0.1, batch=64, epochs=5, lr=5e-4 if FIXED else 5e-2)


def read():
    with open(SAMPLES / "sms.csv", encoding="utf-8") as f:
        rows = [(r["text"], int(r["label"] == "spam")) for r in csv.DictReader(f)]
    spam = [r for r in rows if r[1]]
    ham = [r for r in rows if not r[1]][: 2 * len(spam)]
    return spam + ham


def tokens(text):
    return re.findall(r"[a-z]+|\d|[!?£$]", text.lower())[:LENGTH]


class SpamFormer(nn.Module):
    def __init__(self, vocab, c):
        super().__init__()
        self.word = nn.Embedding(vocab, c["d_model"], padding_idx=0)
        self.place = nn.Parameter(torch.randn(LENGTH + 1, c["d_model"]) * 0.02)
        layer = nn.TransformerEncoderLayer(c["d_model"], c["heads"], 96, c["dropout"], batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, c["layers"], enable_nested_tensor=False)
        self.head = nn.Linear(c["d_model"], 2)

    def forward(self, t):
        h = self.encoder(self.word(t) + self.place, src_key_padding_mask=t == 0)
        return self.head(h[:, 0])


def main():
    seed_all()
    rows = read()
    order = torch.randperm(len(rows)).tolist()
    cut = int(0.75 * len(rows))
    counts = Counter(w for i in order[:cut] for w in tokens(rows[i][0]))
    index = {w: k + 3 for k, (w, _) in enumerate(counts.most_common(1500))}
    x = torch.zeros(len(rows), LENGTH + 1, dtype=torch.long)
    for i, (text, _) in enumerate(rows):
        ids = [2] + [index.get(w, 1) for w in tokens(text)]
        x[i, : len(ids)] = torch.tensor(ids)
    y = torch.tensor([label for _, label in rows])
    tr, va = torch.tensor(order[:cut]), torch.tensor(order[cut:])
    train = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=CONFIG["batch"], shuffle=True)
    model = SpamFormer(len(index) + 3, CONFIG)
    optim = torch.optim.AdamW(model.parameters(), lr=CONFIG["lr"], weight_decay=0.01)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(CONFIG["epochs"]):
        model.train()
        total = 0.0
        for xb, yb in train:
            optim.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optim.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(x[va])
        pred = out.argmax(1)
        recalls = [(pred[y[va] == c] == c).float().mean() for c in (0, 1)]
        score = (sum(recalls) / 2).item()
        print(f"epoch {epoch}: train {total / len(train):.4f} val {loss_fn(out, y[va]):.4f} balanced acc {score:.4f}")
    print(f"final balanced_accuracy {score:.4f}")


if __name__ == "__main__":
    main()
