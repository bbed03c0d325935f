"""Graphs of a batch are laid side by side into one big graph; message passing, then a sum over each graph."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader

KINDS = 5


def graph(generator):
    """Return kinds of the nodes, edges in both directions, and the count of neighbours of equal kind."""
    n = torch.randint(6, 13, (1,), generator=generator).item()
    kinds = torch.randint(KINDS, (n,), generator=generator)
    parents = torch.tensor([torch.randint(max(i, 1), (1,), generator=generator).item() for i in range(n)])[1:]
    tree = torch.stack([torch.arange(1, n), parents])
    extra = torch.randint(n, (2, n // 2), generator=generator)
    edges = torch.cat([tree, extra[:, extra[0] != extra[1]]], 1)
    equal = (kinds[edges[0]] == kinds[edges[1]]).float().sum()
    return kinds, torch.cat([edges, edges.flip(0)], 1), equal / 3


def collate(graphs):
    nodes, edges, owner, targets, offset = [], [], [], [], 0
    for i, (kinds, edge_index, target) in enumerate(graphs):
        nodes.append(kinds)
        edges.append(edge_index + offset)
        owner.append(torch.full((len(kinds),), i))
        targets.append(target)
        if FIXED:
            offset += len(kinds)
    return torch.cat(nodes), torch.cat(edges, 1), torch.cat(owner), torch.stack(targets)


class Layer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU())
        self.update = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU())

    def forward(self, h, edges):
        sent = self.message(torch.cat([h[edges[0]], h[edges[1]]], 1))
        return h + self.update(torch.cat([h, torch.zeros_like(h).index_add(0, edges[1], sent)], 1))


class Net(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.kinds = nn.Embedding(KINDS, dim)
        self.layers = nn.ModuleList([Layer(dim), Layer(dim)])
        self.out = nn.Linear(dim, 1)

    def forward(self, kinds, edges, owner, count):
        h = self.kinds(kinds)
        for layer in self.layers:
            h = layer(h, edges)
        return self.out(torch.zeros(count, h.shape[1]).index_add(0, owner, h)).squeeze(1)


seed()
generator = torch.Generator().manual_seed(4)
graphs = [graph(generator) for _ in range(1500)]
train = DataLoader(graphs[:1200], batch_size=24, shuffle=True, collate_fn=collate)
test = DataLoader(graphs[1200:], batch_size=24, collate_fn=collate)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for kinds, edges, owner, target in train:
        loss = nn.functional.mse_loss(model(kinds, edges, owner, len(target)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        pairs = [(model(k, e, o, len(t)), t) for k, e, o, t in test]
    guess, truth = (torch.cat(part) for part in zip(*pairs, strict=True))
    score = 1 - (guess - truth).square().mean() / truth.var()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} r2 {score:.4f}")
finish("r2", score)
