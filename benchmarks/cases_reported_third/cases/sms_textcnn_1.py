"""Spam or ham, a convolutional network for sentences (Kim 2014)."""
import re
from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, sms

MAX_LEN = 30


def tokens(text):
    return re.findall(r"[a-z]+|\d|[£$!?]", text.lower())


class TextCNN(nn.Module):
    def __init__(self, vocab, dim=32, filters=24, widths=(2, 3, 4)):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(dim, filters, k) for k in widths])
        self.fc1 = nn.Linear(filters * len(widths), 32)
        self.fc2 = nn.Linear(32, 1)

    def drop(self, x):
        if FIXED:
            return F.dropout(x, 0.5, training=self.training)
        return F.dropout(x, 0.5)

    def forward(self, ids):
        x = self.drop(self.embed(ids)).transpose(1, 2)
        x = torch.cat([F.relu(conv(x)).max(dim=2).values for conv in self.convs], dim=1)
        x = F.relu(self.fc1(self.drop(x)))
        return self.fc2(self.drop(x)).squeeze(1)


def f1_score(pred, true):
    tp = (pred & true).sum().item()
    return 2 * tp / max(1, pred.sum().item() + true.sum().item())


def main():
    seed_all()
    texts, labels = sms()
    order = np.random.permutation(len(texts))
    texts, labels = [tokens(texts[i]) for i in order], labels[order]
    cut = 4100
    counts = Counter(w for t in texts[:cut] for w in t)
    vocab = {w: i + 2 for i, (w, c) in enumerate(counts.most_common()) if c > 1}
    ids = np.zeros((len(texts), MAX_LEN), dtype=np.int64)
    for row, text in zip(ids, texts):
        for j, word in enumerate(text[:MAX_LEN]):
            row[j] = vocab.get(word, 1)
    x, y = torch.from_numpy(ids), torch.from_numpy(labels).float()
    train_loader = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=64, shuffle=True)

    model = TextCNN(len(vocab) + 2)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(14):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(x[cut:])
            val = criterion(out, y[cut:]).item()
            f1 = f1_score(out > 0, y[cut:] > 0)
        print(f"epoch {epoch + 1} train_loss {total / len(train_loader):.4f} valid_loss {val:.4f} f1 {f1:.4f}")
    print(f"final f1 {f1:.4f}")


if __name__ == "__main__":
    main()
