"""A transformer with encoder and decoder learns to sort digits; it is judged by greedy decoding."""

import torch
from _common import FIXED, finish, seed
from torch import nn

N, BOS = 7, 10
seed()


class Seq2Seq(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.src, self.tgt = nn.Embedding(10, d), nn.Embedding(11, d)
        self.pos = nn.Parameter(0.1 * torch.randn(N, d))
        self.core = nn.Transformer(d, 4, 2, 2, 96, dropout=0.0, batch_first=True)
        self.out = nn.Linear(d, 10)

    def forward(self, src, tgt):
        T = tgt.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(T) if FIXED else None
        return self.out(self.core(self.src(src) + self.pos, self.tgt(tgt) + self.pos[:T], tgt_mask=mask))


def greedy(model, src):
    tgt = torch.full((len(src), 1), BOS)
    for _ in range(N):
        tgt = torch.cat([tgt, model(src, tgt)[:, -1:].argmax(-1)], 1)
    return tgt[:, 1:]


model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
test = torch.randint(0, 10, (200, N), generator=torch.Generator().manual_seed(77))
for step in range(1, 501):
    model.train()
    src = torch.randint(0, 10, (48, N))
    goal = src.sort(1).values
    tgt = torch.cat([torch.full((48, 1), BOS), goal[:, :-1]], 1)
    loss = nn.functional.cross_entropy(model(src, tgt).flatten(0, 1), goal.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            right = (greedy(model, test) == test.sort(1).values).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} digits right {right:.3f}")
finish("accuracy", right)
