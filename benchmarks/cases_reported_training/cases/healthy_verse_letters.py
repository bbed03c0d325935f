"""Spanish verses letter by letter: a Transformer whose learning rate rises first, then falls."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from _common import SAMPLES, finish, seed

CONTEXT, WIDTH, STEPS, WARMUP, PEAK = 40, 64, 600, 150, 3e-3


class Model(nn.Module):
    def __init__(self, symbols):
        super().__init__()
        self.embed = nn.Embedding(symbols, WIDTH)
        self.place = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, symbols)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, ids):
        return self.head(self.body(self.embed(ids) + self.place, mask=self.mask, is_causal=True))


def rate(step):
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def main():
    seed()
    lines = (SAMPLES / "bible-en-es.tsv").read_text().splitlines()[1:3001]
    raw = "\n".join(line.split("\t")[1] for line in lines if "\t" in line)[:200_000]
    symbols = sorted(set(raw))
    index = {c: i for i, c in enumerate(symbols)}
    text = torch.tensor([index[c] for c in raw])
    train, held = text[:180_000], text[180_000:]
    held = held[: len(held) // (CONTEXT + 1) * (CONTEXT + 1)].view(-1, CONTEXT + 1)[:200]
    net = Model(len(symbols))
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for step in range(STEPS):
        net.train()
        start = torch.randint(len(train) - CONTEXT - 1, (24,))
        rows = torch.stack([train[s : s + CONTEXT + 1] for s in start.tolist()])
        loss = F.cross_entropy(net(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 60 == 59:
            net.eval()
            with torch.no_grad():
                value = F.cross_entropy(net(held[:, :-1]).flatten(0, 1), held[:, 1:].flatten()).item()
            print(f"step {step + 1} train {loss.item():.4f} held out {value:.4f}")
    finish("loss", value)


if __name__ == "__main__":
    main()
