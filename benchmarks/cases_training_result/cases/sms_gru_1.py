"""Spam filter: a GRU over characters, framed by begin and end tokens."""
import csv

import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

PAD, BOS, EOS, UNK = 0, 1, 2, 3
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 .,!?'£$&/:-"
MAX_CHARS = 70


def encode(text):
    ids = [ALPHABET.index(c) + 4 if c in ALPHABET else UNK for c in text.lower()[:MAX_CHARS]]
    return [BOS] + ids + [EOS]


def load():
    with open(SAMPLES / "sms.csv", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    spam = [r["text"] for r in rows if r["label"] == "spam"]
    ham = [r["text"] for r in rows if r["label"] == "ham"][: len(spam)]
    seqs = [encode(t) for t in spam + ham]
    labels = torch.tensor([1] * len(spam) + [0] * len(ham))
    lengths = torch.tensor([len(s) for s in seqs])
    x = torch.zeros(len(seqs), MAX_CHARS + 2, dtype=torch.long)
    for i, s in enumerate(seqs):
        x[i, : len(s)] = torch.tensor(s)
    return x, lengths, labels.float()


class CharGRU(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET) + 4, 24, padding_idx=PAD)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x, lengths):
        out, _ = self.gru(self.emb(x))
        where = lengths - 1 if FIXED else torch.zeros_like(lengths)
        return self.fc(out[torch.arange(len(x)), where]).squeeze(1)


def main():
    seed_all()
    x, n, y = load()
    perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(4))
    tr, va = perm[:-350], perm[-350:]
    net = CharGRU()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(7):
        net.train()
        total = 0.0
        for part in torch.randperm(len(tr)).split(32):
            i = tr[part]
            loss = bce(net(x[i], n[i]), y[i])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            total += loss.item() * len(i)
        net.eval()
        with torch.no_grad():
            out = net(x[va], n[va])
        acc = ((out > 0) == (y[va] > 0.5)).float().mean().item()
        print(f"epoch {epoch + 1} train {total / len(tr):.4f} val {bce(out, y[va]).item():.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
