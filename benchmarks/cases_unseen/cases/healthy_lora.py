"""Low-rank adapters on a network that was trained for rotated inputs; the base stays as it is."""

import math

import torch
import torch.nn as nn
from _common import finish, letters, seed


class LoRALinear(nn.Module):
    def __init__(self, base, rank=4, alpha=8):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad_(False)
        self.down = nn.Linear(base.in_features, rank, bias=False)
        self.up = nn.Linear(rank, base.out_features, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * self.up(self.down(x))


def train(model, x, y, epochs, lr):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, round(loss.item(), 4))


seed()
x, y = letters(6000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
train(model, x[:3000], y[:3000], 12, 2e-3)

swap = torch.arange(16).roll(1)
swap[4:] = torch.arange(4, 16)
moved = x[:, swap]
adapted = nn.Sequential(*[LoRALinear(m) if isinstance(m, nn.Linear) else m for m in model])
print("trainable", sum(p.numel() for p in adapted.parameters() if p.requires_grad))
train(adapted, moved[3000:5000], y[3000:5000], 25, 5e-3)
with torch.no_grad():
    finish("accuracy", (adapted(moved[5000:]).argmax(1) == y[5000:]).float().mean())
