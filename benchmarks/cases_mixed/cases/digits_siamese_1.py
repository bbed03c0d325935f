"""Same digit or not: a siamese network with contrastive loss."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all, table

MARGIN, EPS = 1.0, 1e-8 if FIXED else 0.0


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                 nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                 nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.net(x)


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(1) + EPS)


def contrastive(dist, same):
    return (same * dist ** 2 + (1 - same) * F.relu(MARGIN - dist) ** 2).mean()


def draw_pairs(y, n):
    """Half of the pairs of one class, half of any two images."""
    i = torch.randint(len(y), (n,))
    j = torch.randint(len(y), (n,))
    for k in range(0, n, 2):
        pool = (y == y[i[k]]).nonzero()[:, 0]
        j[k] = pool[torch.randint(len(pool), (1,))]
    return i, j, (y[i] == y[j]).float()


def main():
    seed_all()
    d = table("digits")
    x = (torch.from_numpy(d["x"]).float().unsqueeze(1) - 4.9) / 6.0
    y = torch.from_numpy(d["y"])
    order = torch.randperm(len(y))
    xt, yt, xv, yv = x[order[:1400]], y[order[:1400]], x[order[1400:]], y[order[1400:]]
    vi, vj, vs = draw_pairs(yv, 1000)
    net = Tower()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(12):
        net.train()
        total = 0.0
        for _ in range(50):
            i, j, same = draw_pairs(yt, 64)
            loss = contrastive(distance(net(xt[i]), net(xt[j])), same)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / 50
        net.eval()
        with torch.no_grad():
            dist = distance(net(xv[vi]), net(xv[vj]))
        val, acc = contrastive(dist, vs).item(), ((dist < MARGIN / 2).float() == vs).float().mean().item()
        print(f"epoch {epoch + 1}: contrastive {total:.4f} val {val:.4f} pair accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
