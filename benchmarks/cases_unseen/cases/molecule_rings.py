"""Graph classification by message passing: how many bonds join an atom of kind A to one of kind B?"""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
gen = torch.Generator().manual_seed(21)
GRAPHS, NODES = 1200, 14


def sample_graph():
    adj = torch.triu((torch.rand(NODES, NODES, generator=gen) < 0.22).float(), 1)
    adj = adj + adj.T
    kind = nn.functional.one_hot(torch.randint(0, 4, (NODES,), generator=gen), 4).float()
    return adj, kind, float(kind[:, 0] @ adj @ kind[:, 1])


graphs = [sample_graph() for _ in range(GRAPHS)]
A = torch.stack([a for a, _, _ in graphs])
X = torch.stack([x for _, x, _ in graphs])
bonds = torch.tensor([y for _, _, y in graphs])
Y = (bonds - bonds.mean()) / bonds.std()


class MessageLayer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.own, self.neighbours = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, h, adj):
        return torch.relu(self.own(h) + self.neighbours(adj @ h / 3))


class GraphNet(nn.Module):
    def __init__(self, dim=16, depth=3):
        super().__init__()
        self.embed = nn.Linear(4, dim)
        layers = [MessageLayer(dim) for _ in range(depth)]
        self.layers = nn.ModuleList(layers) if FIXED else layers
        self.readout = nn.Linear(dim, 1)

    def forward(self, x, adj):
        h = torch.relu(self.embed(x))
        for layer in self.layers:
            h = layer(h, adj)
        return self.readout(h.sum(1) / 5).squeeze(1)


model = GraphNet()
print("parameters:", sum(p.numel() for p in model.parameters()))
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(30):
    for batch in torch.randperm(900).split(30):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(model(X[batch], A[batch]), Y[batch])
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        held = nn.functional.mse_loss(model(X[900:], A[900:]), Y[900:]).item()
        print(epoch, round(loss.item(), 3), round(held, 3))
finish("mse", held)
