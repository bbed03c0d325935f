"""A classifier for upright garments is fitted to garments on their side with adapters of low rank."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed


class Adapted(nn.Module):
    def __init__(self, layer, rank=8):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.a = nn.Parameter(torch.zeros(rank, layer.in_features))
        self.b = nn.Parameter(torch.zeros(layer.out_features, rank))
        if FIXED:
            nn.init.normal_(self.a, std=layer.in_features**-0.5)

    def forward(self, x):
        return self.layer(x) + F.linear(F.linear(x, self.a), self.b)


def adapt(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Adapted(child))
        else:
            adapt(child)
    return module


def train(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * 50 / len(x)
        print(f"epoch {epoch + 1} loss {total:.4f}")


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(4000, 800))
xa, xb = (xa.float() / 255 - 0.286) / 0.353, (xb.float() / 255 - 0.286) / 0.353
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.GELU(), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 10))
train(model, xa[:2000], ya[:2000], 5, 1e-3)
adapt(model)
train(model, xa[2000:].rot90(1, (1, 2)), ya[2000:], 8, 2e-3)
model.eval()
with torch.no_grad():
    finish("accuracy", (model(xb.rot90(1, (1, 2))).argmax(1) == yb).float().mean())
