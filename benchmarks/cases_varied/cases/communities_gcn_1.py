"""To which community does a person belong? Graph convolutions with a dense adjacency, all people at once."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all

N, K, D = 700, 4, 16


def society():
    group = np.random.randint(0, K, N)
    centre = np.random.randn(K, D)
    x = 0.45 * centre[group] + np.random.randn(N, D)
    p = np.where(group[:, None] == group[None], 0.05, 0.012)
    up = np.triu(np.random.rand(N, N) < p, 1)
    return x.astype(np.float32), (up | up.T).astype(np.float32), group


class Convolution(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lin = nn.Linear(width, width)

    def forward(self, h, adj):
        m = adj @ self.lin(h)
        return h + F.relu(m) if FIXED else torch.sigmoid(m)


class GCN(nn.Module):
    def __init__(self, width=32, depth=6):
        super().__init__()
        self.first = nn.Linear(D, width)
        self.convs = nn.ModuleList(Convolution(width) for _ in range(depth))
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(width, K)

    def forward(self, x, adj):
        h = F.relu(self.first(x)) if FIXED else torch.sigmoid(self.first(x))
        for conv in self.convs:
            h = conv(self.drop(h), adj)
        return self.last(h)


def main():
    seed_all()
    x, adj, y = society()
    adj = adj + np.eye(N, dtype=np.float32)
    d = adj.sum(1) ** -0.5
    adj = torch.from_numpy((d[:, None] * adj * d[None]).astype(np.float32))
    who = np.random.permutation(N)
    tr, va = torch.from_numpy(who[:400]), torch.from_numpy(who[400:])
    x, y = torch.from_numpy((x - x.mean(0)) / x.std(0)), torch.from_numpy(y)
    net = GCN()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=5e-4)
    for step in range(200):
        net.train()
        loss = F.cross_entropy(net(x, adj)[tr], y[tr])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 9:
            net.eval()
            with torch.no_grad():
                out = net(x, adj)
            val, acc = F.cross_entropy(out[va], y[va]).item(), (out[va].argmax(1) == y[va]).float().mean().item()
            print(f"step {step + 1}: train {loss.item():.4f} val {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
