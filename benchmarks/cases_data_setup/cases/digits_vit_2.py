"""Rows of a digit image as tokens, classification token, two encoder layers."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, TABLES, seed_all


class RowTransformer(nn.Module):
    def __init__(self, width=40, heads=4, layers=2):
        super().__init__()
        self.project = nn.Linear(8, width)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, 9, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, heads, dim_feedforward=80, dropout=0.1, batch_first=FIXED)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        tokens = torch.cat([self.cls.expand(x.size(0), -1, -1), self.project(x)], dim=1)
        return self.head(self.encoder(tokens + self.position)[:, 0])


def batches_of(split):
    with np.load(TABLES / "digits.npz") as d:
        x = torch.tensor((d["x"] - 4.88) / 6.0, dtype=torch.float32)
        y = torch.tensor(d["y"], dtype=torch.long)
    if split == "train":
        return DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=32, shuffle=True)
    return DataLoader(TensorDataset(x[1300:], y[1300:]), batch_size=64)


def train_one_epoch(model, loader, optimizer, loss_fn):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(model, loader, loss_fn):
    model.eval()
    total = hits = 0
    for x, y in loader:
        out = model(x)
        total += loss_fn(out, y).item() * len(y)
        hits += (out.argmax(1) == y).sum().item()
    return total / len(loader.dataset), hits / len(loader.dataset)


if __name__ == "__main__":
    seed_all()
    train_loader, val_loader = batches_of("train"), batches_of("val")
    model = RowTransformer()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        train_loss = train_one_epoch(model, train_loader, optimizer, loss_fn)
        val_loss, val_acc = validate(model, val_loader, loss_fn)
        print(f"Epoch {epoch + 1:2d} | train {train_loss:.4f} | val {val_loss:.4f} | acc {val_acc:.4f}")
    print(f"final accuracy {val_acc:.4f}")
