"""Node classification on a citation-like graph with a two-layer graph convolutional network."""
import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, seed_all

NODES, CLASSES, WORDS = 1200, 6, 120


def make_graph():
    g = torch.Generator().manual_seed(23)
    y = torch.randint(CLASSES, (NODES,), generator=g)
    topics = torch.rand(CLASSES, WORDS, generator=g) ** 3
    x = (torch.rand(NODES, WORDS, generator=g) < 0.03 + 0.12 * topics[y]).float()
    same = y[:, None] == y[None]
    p = torch.where(same, 0.012, 0.002)
    a = (torch.rand(NODES, NODES, generator=g) < p).float().triu(1)
    a = a + a.t() + torch.eye(NODES)
    d = a.sum(1).rsqrt()
    x = x / x.sum(1, keepdim=True).clamp(min=1)
    x = (x - x.mean()) / x.std()
    order = torch.randperm(NODES, generator=g)
    return x, d[:, None] * a * d[None], y, order[:600], order[600:]


class GCN(nn.Module):
    def __init__(self, hidden=32, p=0.6):
        super().__init__()
        self.w1, self.w2 = nn.Linear(WORDS, hidden), nn.Linear(hidden, CLASSES)
        self.drop = nn.Dropout(p)

    def forward(self, x, a):
        h = torch.relu(a @ self.w1(self.drop(x)))
        return a @ self.w2(self.drop(h))


def step(model, optimizer, x, a, y, nodes):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x, a)[nodes], y[nodes])
    loss.backward()
    optimizer.step()
    return loss.item()


def test(model, x, a, y, nodes):
    if FIXED:
        model.eval()
    with torch.no_grad():
        out = model(x, a)[nodes]
    return F.cross_entropy(out, y[nodes]).item(), (out.argmax(1) == y[nodes]).float().mean().item()


def main():
    seed_all()
    x, a, y, train, valid = make_graph()
    model = GCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    for epoch in range(60):
        loss = step(model, optimizer, x, a, y, train)
        val, acc = test(model, x, a, y, valid)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d} loss {loss:.4f} val loss {val:.4f} val accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
