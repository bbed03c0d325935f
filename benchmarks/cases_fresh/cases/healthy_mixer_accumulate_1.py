"""An MLP-Mixer under bfloat16 autocast, four small batches to a step, stochastic depth."""

import torch
import torch.nn as nn
from _common import fashion, finish, seed

ACCUMULATE = 4
seed()
x, y, xt, yt = fashion(1200, 500)
x, xt = ((torch.tensor(a)[:, None] / 255.0 - 0.286) / 0.353 for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)


class Mixer(nn.Module):
    def __init__(self, dim=48, depth=3, patches=16):
        super().__init__()
        self.stem = nn.Conv2d(1, dim, 7, 7)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2 * depth))
        self.tokens = nn.ModuleList(
            nn.Sequential(nn.Linear(patches, 48), nn.GELU(), nn.Linear(48, patches)) for _ in range(depth)
        )
        self.channels = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, 96), nn.GELU(), nn.Linear(96, dim)) for _ in range(depth)
        )
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        for k, (token, channel) in enumerate(zip(self.tokens, self.channels, strict=True)):
            if self.training and torch.rand(()) < 0.05:
                continue
            x = x + token(self.norms[2 * k](x).transpose(1, 2)).transpose(1, 2)
            x = x + channel(self.norms[2 * k + 1](x))
        return self.head(x.mean(1))


model = Mixer()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
for epoch in range(8):
    model.train()
    opt.zero_grad()
    for n, idx in enumerate(torch.randperm(1200).split(16)):
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx]) / ACCUMULATE
        loss.backward()
        if (n + 1) % ACCUMULATE == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
    model.eval()
    with torch.no_grad():
        acc = (model(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch} loss {ACCUMULATE * loss.item():.3f} acc {acc:.3f}")
finish("accuracy", acc)
