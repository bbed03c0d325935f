"""Dates as people write them -> ISO, an attentive GRU encoder-decoder (time first)."""
import datetime
import random

import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all

PAD, BOS = 0, 1
FORMS = ["%d %b %Y", "%b %d, %Y", "%d.%m.%Y", "%A %d %B %Y"]
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-., "
CODE = {c: i + 2 for i, c in enumerate(ALPHABET)}
N_SRC, N_OUT = 27, 10


def example():
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=random.randrange(22000))
    text = day.strftime(random.choice(FORMS)).lower()
    src = [CODE[c] for c in text] + [PAD] * (N_SRC - len(text))
    return src, [CODE[c] for c in day.isoformat()]


class Encoder(nn.Module):
    def __init__(self, size, emb, hidden):
        super().__init__()
        self.embed = nn.Embedding(size, emb, padding_idx=PAD)
        self.rnn = nn.GRU(emb, hidden, bidirectional=True)

    def forward(self, src):
        e = self.embed(src)
        e = e.transpose(0, 1) if FIXED else e.view(src.size(1), src.size(0), -1)
        states, _ = self.rnn(e)
        return states


class Decoder(nn.Module):
    def __init__(self, size, emb, hidden):
        super().__init__()
        self.embed = nn.Embedding(size, emb)
        self.rnn = nn.GRU(emb, hidden)
        self.query = nn.Linear(hidden, 2 * hidden, bias=False)
        self.out = nn.Sequential(nn.Linear(3 * hidden, hidden), nn.Tanh(), nn.Linear(hidden, size))

    def forward(self, prev, states, h=None):
        top, h = self.rnn(self.embed(prev).transpose(0, 1), h)
        score = torch.einsum("qbh,sbh->bqs", self.query(top), states) / states.size(-1) ** 0.5
        context = torch.einsum("bqs,sbh->qbh", score.softmax(-1), states)
        return self.out(torch.cat([top, context], -1)).transpose(0, 1), h


class Seq2Seq(nn.Module):
    def __init__(self, size=len(ALPHABET) + 2, emb=32, hidden=64):
        super().__init__()
        self.encoder, self.decoder = Encoder(size, emb, hidden), Decoder(size, emb, hidden)

    def forward(self, src, tgt):
        prev = torch.cat([torch.full((len(tgt), 1), BOS), tgt[:, :-1]], 1)
        return self.decoder(prev, self.encoder(src))[0]

    @torch.no_grad()
    def translate(self, src):
        states, h = self.encoder(src), None
        tok, result = torch.full((len(src), 1), BOS), []
        for _ in range(N_OUT):
            logits, h = self.decoder(tok, states, h)
            tok = logits.argmax(-1)
            result.append(tok)
        return torch.cat(result, 1)


def main():
    seed_all()
    seen = {}
    while len(seen) < 4600:
        s, t = example()
        seen[tuple(s)] = t
    src, tgt = torch.tensor(list(seen)), torch.tensor(list(seen.values()))
    net = Seq2Seq()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(7):
        net.train()
        total, n = 0.0, 0
        for idx in torch.randperm(4000).split(50):
            logits = net(src[idx], tgt[idx])
            loss = F.cross_entropy(logits.flatten(0, 1), tgt[idx].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            total, n = total + loss.item(), n + 1
        net.eval()
        with torch.no_grad():
            val = F.cross_entropy(net(src[4000:], tgt[4000:]).flatten(0, 1), tgt[4000:].flatten()).item()
        out = net.translate(src[4000:])
        right = (out == tgt[4000:]).all(1).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / n:.4f} val {val:.4f} dates entirely right {right:.3f}")
    print(f"final exact {right:.4f}")


if __name__ == "__main__":
    main()
