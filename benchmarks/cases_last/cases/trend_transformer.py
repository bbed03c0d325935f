"""Is the motor speeding up or slowing down? Every reading is a token of a small transformer."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

T = 32


def runs(n):
    up = torch.randint(2, (n,))
    time = torch.linspace(-1, 1, T)
    slope = (0.4 + torch.rand(n, 1)) * (2 * up[:, None] - 1)
    wave = 0.5 * torch.sin(2 * math.pi * (torch.rand(n, 1) * 3 * time + torch.rand(n, 1)))
    return slope * time + wave + 0.3 * torch.randn(n, T), up


class Encoding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        at = torch.arange(T)[:, None] * torch.exp(torch.arange(0, dim, 2) * (-math.log(100.0) / dim))
        self.register_buffer("table", torch.stack([at.sin(), at.cos()], 2).flatten(1))

    def forward(self, x):
        return x + self.table


class Motor(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.lift = nn.Linear(1, dim)
        self.position = Encoding(dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        h = self.lift(x[:, :, None])
        if FIXED:
            h = self.position(h)
        return self.head(self.encoder(h).mean(1))


seed()
x, y = runs(1600)
x_test, y_test = runs(500)
model = Motor()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    losses = []
    for idx in torch.randperm(len(x)).split(40):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
