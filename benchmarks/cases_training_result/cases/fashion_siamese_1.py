"""Siamese network: an embedding of garments learned from pairs with a contrastive loss."""
import numpy as np
import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

EPS = 1e-8 if FIXED else 0.0
MARGIN = 1.0


class Encoder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.net(x)


class ContrastiveLoss(nn.Module):
    def forward(self, a, b, same):
        d = torch.sqrt(((a - b) ** 2).sum(1) + EPS)
        return (same * d ** 2 + (1 - same) * torch.relu(MARGIN - d) ** 2).mean()


def make_pairs(y, n):
    by_class = [torch.nonzero(y == c).flatten() for c in range(10)]
    left = torch.randint(len(y), (n,))
    same = (torch.rand(n) < 0.5).float()
    right = torch.empty(n, dtype=torch.long)
    for k in range(n):
        c = int(y[left[k]])
        if same[k] == 0:
            c = (c + int(torch.randint(1, 10, (1,)))) % 10
        pool = by_class[c]
        right[k] = pool[int(torch.randint(len(pool), (1,)))]
    return left, right, same


@torch.no_grad()
def nearest_neighbour(net, xt, yt, xv, yv):
    net.eval()
    d = torch.cdist(net(xv), net(xt))
    votes = yt[d.topk(5, largest=False).indices]
    return (votes.mode(1).values == yv).float().mean().item()


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as f:
        x = torch.from_numpy(f["x_train"]).float().reshape(-1, 1, 28, 28) / 255
        y = torch.from_numpy(f["y_train"]).long()
    x = (x - 0.286) / 0.353
    xt, yt, xv, yv = x[:2000], y[:2000], x[2000:2600], y[2000:2600]
    net, criterion = Encoder(), ContrastiveLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    vl, vr, vs = make_pairs(yv, 1000)
    for epoch in range(6):
        net.train()
        left, right, same = make_pairs(yt, 6000)
        total = 0.0
        for idx in torch.randperm(len(left)).split(64):
            loss = criterion(net(xt[left[idx]]), net(xt[right[idx]]), same[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        acc = nearest_neighbour(net, xt, yt, xv, yv)
        with torch.no_grad():
            val = criterion(net(xv[vl]), net(xv[vr]), vs).item()
        print(f"epoch {epoch + 1}: loss {total / len(left):.4f} val loss {val:.4f} 5-nn accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
