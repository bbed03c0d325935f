"""Digits with a regularised perceptron."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, table

KEEP = 0.9


def mlp(sizes, rate):
    layers = []
    for a, b in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(rate)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def loaders():
    d = table("digits")
    x = (d["x"].reshape(-1, 64).astype(np.float32) - 4.9) / 6.0
    order = np.random.permutation(len(x))
    x, y = torch.from_numpy(x[order]), torch.from_numpy(d["y"][order])
    return (DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=32, shuffle=True),
            DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=400))


if __name__ == "__main__":
    seed_all()
    train, val = loaders()
    model = mlp([64, 128, 128, 10], 1 - KEEP if FIXED else KEEP)
    ce = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(15):
        model.train()
        train_loss = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = ce(model(x), y)
            loss.backward()
            opt.step()
            train_loss += loss.item() / len(train)
        model.eval()
        with torch.no_grad():
            x, y = next(iter(val))
            out = model(x)
            val_loss, acc = ce(out, y).item(), (out.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch + 1:02d} train {train_loss:.4f} val {val_loss:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")
