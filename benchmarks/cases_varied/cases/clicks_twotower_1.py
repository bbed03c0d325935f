"""Will this reader open this article? Two towers and a dot product; most of it is chance (simulated)."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import seed_all


def impressions(n):
    reader, article = np.random.randn(n, 8), np.random.randn(n, 8)
    taste = 0.30 * (reader[:, 0] * article[:, 0] - reader[:, 1] * article[:, 2]) + 0.15 * article[:, 3]
    opened = np.random.rand(n) < 1 / (1 + np.exp(-taste))
    return [torch.from_numpy(a.astype(np.float32)) for a in (reader, article, opened)]


class Tower(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 24), nn.ReLU(), nn.Linear(24, width))

    def forward(self, x):
        return self.body(x)


class TwoTowers(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.reader, self.article = Tower(8, width), Tower(8, width)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, r, a):
        return (self.reader(r) * self.article(a)).sum(1) + self.bias


def main():
    seed_all()
    r, a, y = impressions(16000)
    cut = 12000
    net = TwoTowers()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.1)
    prior = F.binary_cross_entropy(y[:cut].mean().expand(len(y) - cut), y[cut:]).item()
    for epoch in range(8):
        net.train()
        total = 0.0
        for idx in torch.randperm(cut).split(100):
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(r[idx], a[idx]), y[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx) / cut
        net.eval()
        with torch.no_grad():
            out = net(r[cut:], a[cut:])
        val, acc = F.binary_cross_entropy_with_logits(out, y[cut:]).item(), ((out > 0) == (y[cut:] > 0)).float().mean().item()
        print(f"epoch {epoch + 1}: train {total:.4f} val {val:.4f} (prior alone {prior:.4f}) accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
