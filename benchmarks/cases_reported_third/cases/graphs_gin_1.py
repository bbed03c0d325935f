"""What made this graph? Small-world, preferential attachment or communities; a graph isomorphism network on padded batches."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import seed_all

MAX = 20


def small_world(n):
    a = np.zeros((n, n))
    for i in range(n):
        for d in (1, 2):
            j = (i + d) % n
            if np.random.rand() < 0.25:
                j = np.random.randint(n)
            a[i, j] = 1
    return a


def attachment(n):
    a, ends = np.zeros((n, n)), [0, 1]
    a[0, 1] = 1
    for v in range(2, n):
        for t in {ends[np.random.randint(len(ends))] for _ in range(2)}:
            a[v, t] = 1
            ends += [v, t]
    return a


def communities(n):
    group = np.arange(n) < n // 2
    p = np.where(group[:, None] == group[None, :], 0.34, 0.06)
    return np.triu(np.random.rand(n, n) < p, 1).astype(float)


def make(count):
    adj, mask, label = np.zeros((count, MAX, MAX), np.float32), np.zeros((count, MAX), np.float32), np.zeros(count, np.int64)
    for k in range(count):
        n, label[k] = np.random.randint(14, MAX + 1), np.random.randint(3)
        a = (small_world, attachment, communities)[label[k]](n)
        a = np.maximum(a, a.T)
        np.fill_diagonal(a, 0)
        p = np.random.permutation(n)
        adj[k, :n, :n], mask[k, :n] = a[p][:, p], 1
    degree = adj.sum(2).clip(0, 7).astype(int)
    nodes = np.eye(8, dtype=np.float32)[degree] * mask[:, :, None]
    return [torch.from_numpy(v) for v in (nodes, adj, mask, label)]


class GINLayer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.mlp = nn.Sequential(nn.Linear(d_in, d_out), nn.ReLU(), nn.Linear(d_out, d_out), nn.LayerNorm(d_out), nn.ReLU())

    def forward(self, h, adj, mask):
        return self.mlp((1 + self.eps) * h + torch.bmm(adj, h) / 4) * mask.unsqueeze(-1)


class GIN(nn.Module):
    def __init__(self, hidden=32, layers=3):
        super().__init__()
        self.layers = nn.ModuleList([GINLayer(8 if k == 0 else hidden, hidden) for k in range(layers)])
        self.readout = nn.Linear(hidden * layers, 3)

    def forward(self, h, adj, mask):
        pooled = []
        for layer in self.layers:
            h = layer(h, adj, mask)
            pooled.append(h.sum(1) / mask.sum(1, keepdim=True))
        return self.readout(torch.cat(pooled, dim=1))


def main():
    seed_all()
    train, test = make(3000), make(600)
    model = GIN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=14, eta_min=1e-4)
    for epoch in range(14):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(train[3])).split(32):
            nodes, adj, mask, label = (t[idx] for t in train)
            loss = F.cross_entropy(model(nodes, adj, mask), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            out = model(*test[:3])
            val, acc = F.cross_entropy(out, test[3]).item(), (out.argmax(1) == test[3]).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(train[3]):.4f} test {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
