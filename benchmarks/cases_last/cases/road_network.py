"""Six rounds of message passing on a road network; the class of a place depends on its surroundings."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def roads(n=700, generator=None):
    place = torch.rand(n, 2, generator=generator)
    near = torch.cdist(place, place)
    adjacency = (near < 0.13).float()  # with itself
    field = torch.sin(7 * place[:, 0]) + torch.cos(6 * place[:, 1])
    bounds = torch.quantile(field, torch.tensor([0.25, 0.5, 0.75]))
    features = torch.randn(n, 12, generator=generator)
    features[:, 0] += 0.9 * field
    features[:, 1] += 0.9 * torch.sin(7 * place[:, 0])
    return features, adjacency, torch.bucketize(field, bounds)


class GraphConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(i, o))
        self.bias = nn.Parameter(torch.zeros(o))
        nn.init.kaiming_uniform_(self.weight.T, nonlinearity="relu")

    def forward(self, h, adjacency):
        return adjacency @ (h @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, i, hidden, classes, depth=6):
        super().__init__()
        sizes = [i] + [hidden] * (depth - 1) + [classes]
        self.convs = nn.ModuleList(GraphConv(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def forward(self, h, adjacency):
        for conv in self.convs[:-1]:
            h = torch.relu(conv(h, adjacency))
        return self.convs[-1](h, adjacency)


seed()
features, adjacency, classes = roads(generator=torch.Generator().manual_seed(6))
if FIXED:
    adjacency = adjacency / adjacency.sum(1, keepdim=True)
order = torch.randperm(700)
train, test = order[:350], order[350:]
model = GCN(12, 32, 4)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(60):
    out = model(features, adjacency)
    loss = nn.functional.cross_entropy(out[train], classes[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(features, adjacency)[test].argmax(1) == classes[test]).float().mean())
