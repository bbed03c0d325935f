"""Residual perceptron for the letters, with dropout in every block."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

KEEP = 0.9


class ResidualBlock(nn.Module):
    def __init__(self, width, p):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.body = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(p), nn.Linear(2 * width, width))

    def forward(self, x):
        return x + self.body(self.norm(x))


class ResMLP(nn.Module):
    def __init__(self, width=48, depth=3, p=0.0):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(16, width), nn.GELU(), nn.Dropout(p))
        self.blocks = nn.Sequential(*[ResidualBlock(width, p) for _ in range(depth)])
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Dropout(p), nn.Linear(width, 26))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


def load():
    table = np.genfromtxt(SAMPLES / "letter.csv", delimiter=",", skip_header=1, dtype=str)
    y = torch.tensor([ord(v.strip('"')) - ord("A") for v in table[:, 0]])
    x = torch.tensor(table[:, 1:].astype(np.float32))
    perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(11))
    tr, va = perm[:8000], perm[8000:10000]
    x = (x - x[tr].mean(0)) / x[tr].std(0)
    return x[tr], y[tr], x[va], y[va]


def main():
    seed_all()
    xt, yt, xv, yv = load()
    model = ResMLP(p=1 - KEEP if FIXED else KEEP)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    loader = DataLoader(TensorDataset(xt, yt), batch_size=128, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        model.train()
        history = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        model.eval()
        with torch.inference_mode():
            out = model(xv)
        acc = (out.argmax(1) == yv).float().mean().item()
        print(f"{epoch + 1:3d} {np.mean(history):8.4f} {criterion(out, yv).item():8.4f} {acc:7.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
