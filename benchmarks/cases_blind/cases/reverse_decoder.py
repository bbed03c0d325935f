"""A recurrent encoder and decoder with attention: turn a sequence round."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed

SYMBOLS, LENGTH, START = 10, 6, 10


class Seq2Seq(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS + 1, d)
        self.enc = nn.GRU(d, d, batch_first=True)
        self.dec = nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(2 * d, SYMBOLS)

    def forward(self, src, tgt_in):
        memory, h = self.enc(self.emb(src))
        states, _ = self.dec(self.emb(tgt_in), h)
        attention = (states @ memory.transpose(1, 2) / 8).softmax(-1)
        return self.out(torch.cat([states, attention @ memory], -1))

    @torch.no_grad()
    def greedy(self, src):
        words = torch.full((len(src), 1), START)
        for _ in range(src.shape[1]):
            words = torch.cat([words, self(src, words)[:, -1:].argmax(-1)], 1)
        return words[:, 1:]


def pairs(n):
    src = torch.randint(0, SYMBOLS, (n, LENGTH))
    return src, src.flip(1)


seed()
model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(500):
    src, tgt = pairs(48)
    tgt_in = tgt
    if FIXED:
        tgt_in = torch.cat([torch.full((len(tgt), 1), START), tgt[:, :-1]], 1)
    loss = F.cross_entropy(model(src, tgt_in).flatten(0, 1), tgt.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f}")
model.eval()
src, tgt = pairs(500)
finish("symbol_accuracy", (model.greedy(src) == tgt).float().mean())
