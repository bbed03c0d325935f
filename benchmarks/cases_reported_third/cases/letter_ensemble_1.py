"""Letters of the alphabet from a sample of the table, three small networks trained together."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, letters, seed_all


class Member(nn.Module):
    def __init__(self, n_in, n_out, hidden=96):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_in, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, n_out))

    def forward(self, x):
        return self.layers(x)


class Ensemble(nn.Module):
    def __init__(self, n_in, n_out, members=3):
        super().__init__()
        self.members = nn.ModuleList([Member(n_in, n_out) for _ in range(members)])

    def forward(self, x):
        return torch.stack([m(x) for m in self.members])


def split(n):
    rows = np.arange(n)
    train = np.random.choice(rows, int(0.8 * n), replace=False)
    pool = np.setdiff1d(rows, train) if FIXED else rows
    test = np.random.choice(pool, int(0.2 * n), replace=False)
    return train, test


def main():
    seed_all()
    x, y = letters()
    some = np.random.permutation(len(x))[:4000]
    x, y = x[some], y[some]
    train, test = split(len(x))
    x = (x - x[train].mean(0)) / x[train].std(0)
    xt, yt = torch.from_numpy(x[train]), torch.from_numpy(y[train])
    xv, yv = torch.from_numpy(x[test]), torch.from_numpy(y[test])
    net = Ensemble(x.shape[1], 26)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(1, 21):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(xt)).split(32):
            out = net(xt[idx])
            loss = F.cross_entropy(out.flatten(0, 1), yt[idx].repeat(3))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            out = net(xv)
            val = F.cross_entropy(out.flatten(0, 1), yv.repeat(3)).item()
            acc = (out.softmax(-1).mean(0).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch} train loss {total / len(xt):.4f} test loss {val:.4f} test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
