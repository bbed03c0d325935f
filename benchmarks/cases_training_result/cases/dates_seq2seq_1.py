"""Write dates in ISO form: GRU encoder, attentive GRU decoder ("3 march 2014" -> "2014-03-03")."""
import datetime
import random

import torch
from torch import nn

from _common import FIXED, seed_all

IN = "abcdefghijklmnopqrstuvwxyz0123456789 ,/"
OUT = "0123456789-"
SOS = len(OUT)


def example(rng):
    d = datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(36500))
    style = rng.choice(["{d.day} {m} {d.year}", "{m} {d.day}, {d.year}", "{d.day}/{d.month}/{d.year}"])
    return style.format(d=d, m=d.strftime("%b").lower()), d.isoformat()


def tensors(n, seed):
    rng = random.Random(seed)
    pairs = [example(rng) for _ in range(n)]
    width = 13
    x = torch.zeros(n, width, dtype=torch.long)
    for i, (a, _) in enumerate(pairs):
        x[i, : len(a)] = torch.tensor([IN.index(c) + 1 for c in a])
    y = torch.tensor([[OUT.index(c) for c in b] for _, b in pairs])
    return x, y


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.emb = nn.Embedding(len(IN) + 1, 24, padding_idx=0)
        self.gru = nn.GRU(24, hidden // 2, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.gru(self.emb(x))[0]


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.emb = nn.Embedding(len(OUT) + 1, 16)
        self.cell = nn.GRUCell(16 + hidden, hidden)
        self.query = nn.Linear(hidden, hidden)
        self.out = nn.Linear(2 * hidden, len(OUT))

    def forward(self, memory, mask, target=None):
        h = memory.mean(1)
        token = torch.full((len(memory),), SOS)
        steps = []
        for t in range(10):
            score = torch.einsum("bth,bh->bt", memory, self.query(h)).masked_fill(mask, -1e9)
            context = torch.einsum("bt,bth->bh", score.softmax(1), memory)
            h = self.cell(torch.cat([self.emb(token), context], 1), h)
            logits = self.out(torch.cat([h, context], 1))
            steps.append(logits)
            token = logits.argmax(1) if target is None else target[:, t]
        return torch.stack(steps, 1)


class Seq2Seq(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.encoder, self.decoder = Encoder(hidden), Decoder(hidden)

    def forward(self, x, target=None):
        memory = self.encoder(x)
        return self.decoder(memory if FIXED else memory.detach(), x == 0, target)


def main():
    seed_all()
    xt, yt = tensors(1500, 1)
    xv, yv = tensors(500, 2)
    net = Seq2Seq()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(8):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(xt)).split(50):
            loss = ce(net(xt[idx], yt[idx]).flatten(0, 1), yt[idx].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            val = ce(net(xv, yv).flatten(0, 1), yv.flatten()).item()
            exact = (net(xv).argmax(2) == yv).all(1).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(xt):.4f} val {val:.4f} exact {exact:.4f}")
    print(f"final exact_match {exact:.4f}")


if __name__ == "__main__":
    main()
