"""Masked letters of verses are filled in by a bidirectional encoder; only masked places count."""

import torch
import torch.nn as nn
from _common import finish, seed, verses

seed()
text = " ".join(v[0] for v in verses(1200)).lower()
kinds = sorted(set(text))
MASK, LENGTH = len(kinds), 32
ids = torch.tensor([kinds.index(c) for c in text])
rows = ids[: len(ids) // LENGTH * LENGTH].view(-1, LENGTH)
train, held = rows[:-300], rows[-300:]


def hide(batch):
    """Return inputs with a seventh of the letters hidden, and targets that are ignored elsewhere."""
    chosen = torch.rand(batch.shape) < 0.15
    chosen[:, 0] |= ~chosen.any(1)
    return batch.masked_fill(chosen, MASK), batch.masked_fill(~chosen, -100)


class Bert(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.emb, self.pos = nn.Embedding(MASK + 1, d), nn.Parameter(0.02 * torch.randn(LENGTH, d))
        nn.init.normal_(self.emb.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(d, 4, 128, 0.05, "gelu", batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 2, nn.LayerNorm(d), enable_nested_tensor=False)
        self.out = nn.Linear(d, MASK)

    def forward(self, x):
        return self.out(self.enc(self.emb(x) + self.pos))


net = Bert()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=400)
criterion = nn.CrossEntropyLoss(ignore_index=-100)
fixed_x, fixed_y = hide(held)
for step in range(1, 401):
    x, y = hide(train[torch.randint(0, len(train), (24,))])
    loss = criterion(net(x).transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 100 == 0:
        net.eval()
        with torch.no_grad():
            out = net(fixed_x)
        net.train()
        seen = fixed_y >= 0
        acc = (out.argmax(-1) == fixed_y)[seen].float().mean().item()
        print(
            f"step {step} loss {loss.item():.3f} val {criterion(out.transpose(1, 2), fixed_y).item():.3f} acc {acc:.3f}"
        )
finish("accuracy", acc)
