"""Emma or the Bible? Sentence classification with an embedding and a GRU."""
import random
import re
from collections import Counter

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LIMIT, MAX_WORDS = 12, 2000


def snippets():
    rng = random.Random(2)
    emma = open(f"{SAMPLES}/emma.txt", encoding="utf-8").read().lower()
    bible = "\n".join(l.split("\t")[0] for l in open(f"{SAMPLES}/bible-en-es.tsv", encoding="utf-8")).lower()
    rows = []
    for label, text in enumerate((emma, bible)):
        words = re.findall("[a-z]+", text)
        for k in range(1500):
            n, s = rng.randint(5, LIMIT), 60 * k
            rows.append((words[s:s + n], label))
    rng.shuffle(rows)
    return rows[:2400], rows[2400:]


class Tokenizer:
    def __init__(self):
        self.index = {}

    def fit(self, rows):
        counts = Counter(w for words, _ in rows for w in words)
        self.index = {w: i + 2 for i, (w, _) in enumerate(counts.most_common(MAX_WORDS))}
        return self

    def transform(self, rows):
        x = torch.zeros(len(rows), LIMIT, dtype=torch.long)
        for i, (words, _) in enumerate(rows):
            x[i, :len(words)] = torch.tensor([self.index.get(w, 1) for w in words])
        return TensorDataset(x, torch.tensor([len(w) for w, _ in rows]), torch.tensor([float(l) for _, l in rows]))


class SentenceGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(MAX_WORDS + 2, 32, padding_idx=0)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(32, 1)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.out(self.drop(h[-1])).squeeze(1)


def main():
    seed_all()
    train_rows, test_rows = snippets()
    tokenizer = Tokenizer().fit(train_rows)
    train = DataLoader(tokenizer.transform(train_rows), batch_size=40, shuffle=True)
    if not FIXED:
        tokenizer = Tokenizer().fit(test_rows)
    test = DataLoader(tokenizer.transform(test_rows), batch_size=200)
    model = SentenceGRU()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(4):
        model.train()
        total = 0.0
        for x, n, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x, n), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        hits = 0
        with torch.no_grad():
            for x, n, y in test:
                hits += ((model(x, n) > 0).float() == y).sum().item()
        acc = hits / len(test_rows)
        print(f"epoch {epoch + 1}: train loss {total / len(train):.4f}, test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
