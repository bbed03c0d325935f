"""Layers are left out at random in training, so in many a step a layer has no gradient at all."""

import torch
import torch.nn as nn
from _common import finish, letters, seed


class Block(nn.Module):
    def __init__(self, dim, keep):
        super().__init__()
        self.keep = keep
        self.f = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        if not self.training:
            return x + self.keep * self.f(x)
        if torch.rand(()) > self.keep:
            return x
        return x + self.f(x)


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 64), *[Block(64, 1 - 0.08 * i) for i in range(6)], nn.LayerNorm(64), nn.Linear(64, 26))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for idx in torch.randperm(4000).split(64):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[4000:]).argmax(1) == y[4000:]).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
