"""Abnormal heart beats with a small 1-D residual network."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

LENGTH = 64


def beats(n, share, rng):
    y = (rng.rand(n) < share).astype("int64")
    t = np.linspace(-1, 1, LENGTH)[None]
    centre = rng.normal(0, 0.05, (n, 1))
    width = 0.06 + 0.03 * y[:, None] + rng.normal(0, 0.015, (n, 1))
    twave = 0.3 - 0.2 * y[:, None] + rng.normal(0, 0.12, (n, 1))
    x = np.exp(-0.5 * ((t - centre) / width) ** 2) + twave * np.exp(-0.5 * ((t - centre - 0.5) / 0.12) ** 2)
    x = x + rng.normal(0, 0.12, (n, LENGTH))
    return x.astype("float32"), y


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1, self.c2 = nn.Conv1d(c, c, 5, padding=2), nn.Conv1d(c, c, 5, padding=2)

    def forward(self, x):
        return F.relu(x + self.c2(F.relu(self.c1(x))))


class BeatNet(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.stem = nn.Conv1d(1, c, 7, stride=2, padding=3)
        self.blocks = nn.Sequential(ResBlock(c), ResBlock(c))
        self.fc = nn.Linear(c, 2)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.stem(x))).mean(-1))


def main():
    seed_all()
    rng = np.random.RandomState(8)
    x, y = beats(3000, 0.03, rng)
    xt, yt = beats(1000, 0.3, rng)
    mean, std = x.mean(), x.std()
    x, xt = torch.tensor((x - mean) / std).unsqueeze(1), torch.tensor((xt - mean) / std).unsqueeze(1)
    y, yt = torch.tensor(y), torch.tensor(yt)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    weight = len(y) / (2.0 * torch.bincount(y).float()) if FIXED else None
    criterion = nn.CrossEntropyLoss(weight=weight)
    net = BeatNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            p = net(xt).argmax(1)
        recall = [(p[yt == c] == c).float().mean().item() for c in (0, 1)]
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} recall normal {recall[0]:.3f} abnormal {recall[1]:.3f}")
    print(f"final balanced_accuracy {sum(recall) / 2:.4f}")


if __name__ == "__main__":
    main()
