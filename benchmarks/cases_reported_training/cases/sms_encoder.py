"""Spam or not, with a small Transformer encoder over words."""
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, balanced_accuracy, finish, seed, sms

LENGTH = 32
LEARNING_RATE = 1e-3 if FIXED else 5e-2


def words(text):
    return re.findall(r"[a-z0-9£$!?']+", text.lower())


class Encoder(nn.Module):
    def __init__(self, vocabulary, width=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=0)
        self.place = nn.Parameter(0.02 * torch.randn(LENGTH, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, ids):
        h = self.layers(self.embed(ids) + self.place)
        return self.head(h.mean(1))


def main():
    seed()
    texts, y = sms()
    texts, y = texts[:3600], torch.from_numpy(y[:3600])
    tokens = [words(t) for t in texts]
    common = [w for w, _ in Counter(w for t in tokens[:3000] for w in t).most_common(1500)]
    index = {w: i + 2 for i, w in enumerate(common)}
    ids = torch.zeros(len(texts), LENGTH, dtype=torch.long)
    for row, t in enumerate(tokens):
        numbers = [index.get(w, 1) for w in t[:LENGTH]]
        ids[row, : len(numbers)] = torch.tensor(numbers, dtype=torch.long)
    loader = DataLoader(TensorDataset(ids[:3000], y[:3000]), batch_size=32, shuffle=True)
    net = Encoder(len(common) + 2)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    for epoch in range(4):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_function(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            guess = net(ids[3000:]).argmax(1)
        score = balanced_accuracy(guess, y[3000:])
        print(f"epoch {epoch + 1} loss {total / 3000:.4f} balanced accuracy {score:.4f}")
    finish("balanced_accuracy", score)


if __name__ == "__main__":
    main()
