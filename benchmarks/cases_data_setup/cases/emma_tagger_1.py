"""Put the spaces back: a bidirectional LSTM tags the last letter of each word."""
import re

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

LENGTH = 48


def make_tags(limit=60000):
    text = (SAMPLES / "emma.txt").read_text(encoding="utf-8").lower()[5000:]
    words = re.findall(r"[a-z]+", text)
    letters, ends = [], []
    for word in words:
        letters += [ord(c) - 96 for c in word]
        ends += [0.0] * (len(word) - 1) + [1.0]
        if len(letters) > limit:
            break
    n = len(letters) // LENGTH
    return torch.tensor(letters[:n * LENGTH]).view(n, LENGTH), torch.tensor(ends[:n * LENGTH]).view(n, LENGTH)


class Tagger(nn.Module):
    def __init__(self, embed=16, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(27, embed)
        self.lstm = nn.LSTM(embed, hidden, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(2 * hidden, 1)

    def forward(self, ids):
        return self.tag(self.lstm(self.embed(ids))[0]).squeeze(2)


def f1(logits, y):
    found = logits > 0
    right = (found & (y > 0)).sum().item()
    return 2 * right / max(found.sum().item() + (y > 0).sum().item(), 1)


def train(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    optimizer.zero_grad()
    for ids, tags in loader:
        loss = criterion(model(ids), tags)
        if FIXED:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def main():
    seed_all()
    ids, tags = make_tags()
    cut = int(0.85 * len(ids))
    loader = DataLoader(TensorDataset(ids[:cut], tags[:cut]), batch_size=16, shuffle=True)
    model = Tagger()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for epoch in range(9):
        loss = train(model, loader, optimizer, criterion)
        model.eval()
        with torch.no_grad():
            out = model(ids[cut:])
        score = f1(out, tags[cut:])
        print(f"epoch {epoch + 1} train {loss:.4f} val {criterion(out, tags[cut:]).item():.4f} f1 {score:.4f}")
    print(f"final f1 {score:.4f}")


if __name__ == "__main__":
    main()
