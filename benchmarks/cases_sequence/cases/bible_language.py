"""English or Spanish? A character CNN over short snippets of verses."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

CHARS = "abcdefghijklmnopqrstuvwxyz "
SNIPPET = 16


def load(rng, n=3000):
    texts, labels = [], []
    with open(f"{SAMPLES}/bible-en-es.tsv", encoding="utf-8") as f:
        lines = f.read().split("\n")[1:n + 1]
    for line in lines:
        side = rng.randint(2)
        text = "".join(c for c in line.split("\t")[side].lower() if c in CHARS)
        start = rng.randint(0, 40)
        texts.append(text[start:start + SNIPPET])
        labels.append(side)
    return texts, labels


def clean(texts, labels):
    """Drop the snippets that are too short to say anything."""
    keep = [i for i, t in enumerate(texts) if len(t.strip()) >= 10]
    if FIXED:
        return [texts[i] for i in keep], [labels[i] for i in keep]
    return [texts[i] for i in keep], labels[:len(keep)]


def vectorize(texts):
    ids = np.zeros((len(texts), SNIPPET), dtype="int64")
    for i, t in enumerate(texts):
        ids[i, :len(t)] = [CHARS.index(c) + 1 for c in t]
    return torch.from_numpy(ids)


class CharCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(CHARS) + 1, 16, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(16, 24, k) for k in (2, 3, 4)])
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(72, 2)

    def forward(self, x):
        e = self.emb(x).transpose(1, 2)
        pooled = [F.relu(c(e)).amax(dim=2) for c in self.convs]
        return self.fc(self.drop(torch.cat(pooled, dim=1)))


def main():
    seed_all()
    rng = np.random.RandomState(6)
    texts, labels = load(rng)
    test_x, test_y = vectorize(texts[-600:]), torch.tensor(labels[-600:])
    texts, labels = clean(texts[:-600], labels[:-600])
    train_x, train_y = vectorize(texts), torch.tensor(labels)
    print(len(train_x), "training snippets")
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=64, shuffle=True)
    net = CharCNN()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(8):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            acc = (net(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} test acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
