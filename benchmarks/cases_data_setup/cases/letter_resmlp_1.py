"""Find one rare letter among all the others with a residual MLP."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


def rare(y, hits, ratio=50):
    return np.concatenate([np.flatnonzero(y)[:hits], np.flatnonzero(y == 0)[:hits * ratio]])


def load():
    raw = np.genfromtxt(SAMPLES / "letter.csv", delimiter=",", skip_header=1, dtype=str)
    x = raw[:, 1:].astype(np.float32)
    y = (raw[:, 0] == "H").astype(np.float32)
    x = (x - x[:12000].mean(0)) / x[:12000].std(0)
    train, val = rare(y[:12000], 160), rare(y[12000:], 150) + 12000
    return [torch.from_numpy(a) for a in (x[train], y[train], x[val], y[val])]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc2(F.gelu(self.fc1(self.norm(x))))


class Detector(nn.Module):
    def __init__(self, width=32, depth=2):
        super().__init__()
        self.stem = nn.Linear(16, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.drop(self.blocks(self.stem(x)))).squeeze(1)


def balanced_accuracy(logits, y):
    hit = logits > 0
    return 0.5 * (hit[y == 1].float().mean() + (~hit[y == 0]).float().mean()).item()


def main():
    seed_all()
    x_train, y_train, x_val, y_val = load()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=128, shuffle=True)
    net = Detector()
    weight = (y_train == 0).sum() / (y_train == 1).sum() if FIXED else torch.tensor(1.0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(xb), yb, pos_weight=weight)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            logits = net(x_val)
            val_loss = F.binary_cross_entropy_with_logits(logits, y_val, pos_weight=weight).item()
        score = balanced_accuracy(logits, y_val)
        print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {val_loss:.4f} balanced accuracy {score:.4f}")
    print(f"final balanced_accuracy {score:.4f}")


if __name__ == "__main__":
    main()
