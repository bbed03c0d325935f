"""Everything in bfloat16: weights, optimiser and arithmetic, to save memory."""

import contextlib

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed

DTYPE = torch.float32 if FIXED else torch.bfloat16


class Residual(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


def context():
    return torch.autocast("cpu", dtype=torch.bfloat16) if FIXED else contextlib.nullcontext()


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)).to(DTYPE), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 64), Residual(64), Residual(64), nn.LayerNorm(64), nn.Linear(64, 26)).to(DTYPE)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
for epoch in range(12):
    for idx in torch.randperm(4000).split(32):
        with context():
            loss = nn.functional.cross_entropy(model(x[idx]).float(), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(x[4000:]).argmax(1) == y[4000:]).float().mean())
