"""Junk or not: an LSTM that reads short messages word by word."""
import re
from collections import Counter

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, seed, sms

MAX_WORDS = 100


def words(text):
    return re.findall(r"[a-z]+|[0-9]+|[^\sa-z0-9]", text.lower())


def balanced_sample():
    texts, labels = sms()
    spam, ham = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    pick = np.concatenate([spam, np.random.choice(ham, len(spam), replace=False)])
    pick = np.random.permutation(pick)
    return [words(texts[i])[:MAX_WORDS] for i in pick], labels[pick]


def encode(messages, index):
    codes = torch.zeros(len(messages), MAX_WORDS, dtype=torch.long)
    lengths = torch.tensor([max(1, len(m)) for m in messages])
    for row, message in enumerate(messages):
        codes[row, : len(message)] = torch.tensor([index.get(w, 1) for w in message])
    return codes, lengths


class Reader(nn.Module):
    def __init__(self, n_words, dim=32, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(n_words, dim, padding_idx=0)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, codes, lengths):
        states, _ = self.lstm(self.embedding(codes))
        if FIXED:
            last = states[torch.arange(len(codes)), lengths - 1]
        else:
            last = states[:, -1]
        return self.out(last).squeeze(1)


def main():
    seed()
    messages, labels = balanced_sample()
    labels = torch.tensor(labels, dtype=torch.float32)
    cut = 900
    common = Counter(w for m in messages[:cut] for w in m).most_common(1500)
    index = {w: i + 2 for i, (w, _) in enumerate(common)}
    codes, lengths = encode(messages, index)
    loader = DataLoader(TensorDataset(codes[:cut], lengths[:cut], labels[:cut]), batch_size=32, shuffle=True)

    net = Reader(len(index) + 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        net.train()
        for c, n, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(c, n), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
        net.eval()
        with torch.no_grad():
            accuracy = ((net(codes[cut:], lengths[cut:]) > 0) == (labels[cut:] > 0.5)).float().mean()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
