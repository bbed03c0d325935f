"""Peak load of the coming day from the week before: fully connected network with layer norm."""
import csv

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

SIZES = [168, 64, 32, 1]


def build(sizes):
    pairs = list(zip(sizes, sizes[1:]))
    normed = len(pairs) - 1 if FIXED else len(pairs)
    layers = []
    for i, (a, b) in enumerate(pairs):
        layers.append(nn.Linear(a, b))
        if i < normed:
            layers.append(nn.LayerNorm(b))
        if i < len(pairs) - 1:
            layers.append(nn.GELU())
    return nn.Sequential(*layers)


def load():
    with open(SAMPLES / "electricity.csv") as f:
        s = torch.tensor([float(r["y"]) for r in csv.DictReader(f)])
    w = s.unfold(0, 192, 2)
    x, y = w[:, :168], w[:, 168:].max(1, keepdim=True).values
    cut = 3000
    mx, sx, my, sy = x[:cut].mean(), x[:cut].std(), y[:cut].mean(), y[:cut].std()
    x, y = (x - mx) / sx, (y - my) / sy
    return x[:cut], y[:cut], x[cut + 96:], y[cut + 96:]


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    mse = nn.functional.mse_loss(out, y).item()
    return mse, 1 - mse / y.var(unbiased=False).item()


def main():
    seed_all()
    xt, yt, xv, yv = load()
    net = build(SIZES)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    loader = DataLoader(TensorDataset(xt, yt), batch_size=64, shuffle=True)
    for epoch in range(10):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        val, r2 = evaluate(net, xv, yv)
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
