"""Does A come before B? A small encoder over symbols with a learned table of positions."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

LENGTH, SYMBOLS = 12, 20


def sequences(n):
    """Return rows of symbols in which 1 and 2 occur once each, and whether 1 comes first."""
    rows = torch.randint(3, SYMBOLS, (n, LENGTH))
    where = torch.rand(n, LENGTH).argsort(1)[:, :2]
    rows.scatter_(1, where[:, :1], 1).scatter_(1, where[:, 1:], 2)
    return rows, (where[:, 0] < where[:, 1]).long()


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, dim)
        self.positions = nn.Parameter(torch.zeros(1, LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(dim, 2)

    def forward(self, rows):
        return self.head(self.layers(self.symbols(rows) + self.positions).mean(1))


def groups(model, decay):
    """Weight decay for matrices, none for biases and norms."""
    matrices, others = [], []
    for name, p in model.named_parameters():
        if name.endswith("weight") and p.dim() == 2:
            matrices.append(p)
        elif name.endswith(("bias", "weight") if not FIXED else ("bias", "weight", "positions")):
            others.append(p)
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


seed()
x, y = sequences(3000)
x_test, y_test = sequences(600)
model = Encoder()
optimizer = torch.optim.AdamW(groups(model, 0.01), lr=2e-3)
for epoch in range(10):
    model.train()
    for idx in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
