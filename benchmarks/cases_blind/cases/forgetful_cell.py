"""Remember the first symbol through a noisy line: a GRU cell unrolled by hand."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

SYMBOLS, STEPS = 6, 12


class Memory(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS + 8, 16)
        self.cell = nn.GRUCell(16, d)
        self.out = nn.Linear(d, SYMBOLS)

    def forward(self, ids):
        h = torch.zeros(len(ids), self.cell.hidden_size)
        for t in range(ids.shape[1]):
            h = self.cell(self.emb(ids[:, t]), h)
            if not FIXED and t < ids.shape[1] - 1:
                h = h.detach()  # saves memory
        return self.out(h)


def strings(n):
    first = torch.randint(0, SYMBOLS, (n, 1))
    noise = torch.randint(SYMBOLS, SYMBOLS + 8, (n, STEPS))
    return torch.cat([first, noise], 1), first[:, 0]


seed()
net = Memory()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(400):
    ids, first = strings(40)
    loss = nn.functional.cross_entropy(net(ids), first)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    if step % 80 == 0:
        print(f"step {step} loss {loss.item():.4f}")
with torch.no_grad():
    ids, first = strings(1000)
    finish("accuracy", (net(ids).argmax(1) == first).float().mean())
