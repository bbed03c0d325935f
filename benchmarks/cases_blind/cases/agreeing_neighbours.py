"""What share of a graph's edges joins nodes of like sign? Message passing on dense adjacencies."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, r2, seed

NODES = 14


def graphs(n):
    upper = torch.triu((torch.rand(n, NODES, NODES) < 0.25).float(), 1)
    adj = upper + upper.transpose(1, 2)
    tilt = torch.rand(n, 1)
    sign = torch.where(torch.rand(n, NODES) < tilt, 1.0, -1.0)
    like = (sign[:, :, None] * sign[:, None, :] > 0).float()
    share = (adj * like).sum((1, 2)) / adj.sum((1, 2)).clamp(min=1)
    return adj, sign[..., None], (share - 0.66) / 0.17


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.own, self.neighbours = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out, bias=False)

    def forward(self, adj, h):
        mean = adj @ h / adj.sum(2, keepdim=True).clamp(min=1)
        return self.own(h) + self.neighbours(mean)


class GNN(nn.Module):
    def __init__(self, width=32, act=F.relu if FIXED else None):
        super().__init__()
        self.convs = nn.ModuleList([GraphConv(1, width), GraphConv(width, width), GraphConv(width, width)])
        self.act = act
        self.readout = nn.Linear(width, 1)

    def forward(self, adj, h):
        for conv in self.convs:
            h = conv(adj, h)
            if self.act is not None:
                h = self.act(h)
        return self.readout(h.mean(1))[:, 0]


seed()
adj, h, y = graphs(2000)
adj_t, h_t, y_t = graphs(500)
model = GNN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for b in torch.randperm(2000).split(50):
        loss = F.mse_loss(model(adj[b], h[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 0:
        print(f"epoch {epoch}: mse {loss.item():.4f}")
with torch.no_grad():
    finish("r2", r2(model(adj_t, h_t), y_t))
