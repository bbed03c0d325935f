"""Letters with a warm-up and a cosine, written as a function of the step."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.optim.lr_scheduler import LambdaLR

PEAK, WARM, TOTAL = 2e-3, 80, 960


def rate(step):
    """Learning rate at a step."""
    if step < WARM:
        return PEAK * (step + 1) / WARM
    return PEAK * 0.5 * (1 + math.cos(math.pi * (step - WARM) / (TOTAL - WARM)))


class Mixer(nn.Module):
    def __init__(self, dim=96):
        super().__init__()
        self.inp = nn.Linear(16, dim)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)) for _ in range(2)
        )
        self.out = nn.Linear(dim, 26)

    def forward(self, x):
        x = self.inp(x)
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = Mixer()
optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
scheduler = LambdaLR(optimizer, lambda step: rate(step) / PEAK if FIXED else rate(step))
step = 0
while step < TOTAL:
    for idx in torch.randperm(4000).split(50):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        step += 1
        if step % 160 == 0:
            print(f"step {step} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(x[4000:]).argmax(1) == y[4000:]).float().mean())
