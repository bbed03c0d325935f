"""Which figure is a cloud of 32 points? Deep sets on generated clouds."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, seed_all

FIGURES = ["circle", "square", "triangle", "cross", "spiral", "disc"]


def outline(name, n):
    t = np.random.rand(n)
    if name == "circle":
        return np.column_stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])
    if name in ("square", "triangle"):
        k = 4 if name == "square" else 3
        corner = np.array([[np.cos(2 * np.pi * i / k), np.sin(2 * np.pi * i / k)] for i in range(k + 1)])
        side, f = (t * k).astype(int), (t * k) % 1
        return corner[side] * (1 - f)[:, None] + corner[side + 1] * f[:, None]
    if name == "cross":
        s, arm = 2 * t - 1, np.random.rand(n) < 0.5
        return np.column_stack([np.where(arm, s, 0), np.where(arm, 0, s)])
    if name == "spiral":
        return np.column_stack([t * np.cos(9 * t), t * np.sin(9 * t)])
    r = np.sqrt(t)
    a = 2 * np.pi * np.random.rand(n)
    return np.column_stack([r * np.cos(a), r * np.sin(a)])


def cloud(name, n=32):
    p = outline(name, n)
    a = np.random.uniform(-0.6, 0.6)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return (p @ turn * np.random.uniform(0.8, 1.2) + 0.06 * np.random.randn(n, 2)).astype(np.float32)


class Clouds(Dataset):
    def __init__(self, per_figure):
        self.items = [(cloud(name), k) for k, name in enumerate(FIGURES) for _ in range(per_figure)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class DeepSets(nn.Module):
    def __init__(self, hidden=64, classes=len(FIGURES)):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.rho = nn.Sequential(nn.ReLU(), nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, sets):
        h = self.phi(sets)
        return self.rho(torch.cat([h.mean(1), h.amax(1)], dim=1))


def evaluate(net, loader, criterion):
    net.eval()
    loss, hits, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += criterion(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main():
    seed_all()
    train = DataLoader(Clouds(400), batch_size=32, shuffle=FIXED)
    test = DataLoader(Clouds(100), batch_size=100)
    net, criterion = DeepSets(), nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(16):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            opt.step()
        loss, acc = evaluate(net, test, criterion)
        print(f"epoch {epoch + 1:2d}  test loss {loss:.4f}  accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
