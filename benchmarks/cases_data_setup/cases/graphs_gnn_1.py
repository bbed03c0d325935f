"""Graph classification: do equal nodes stick together? Dense message passing."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

NODES = 14


def make_graphs(n=2600):
    """Node kinds and edges; a graph is positive when edges join nodes of equal kind more than by chance."""
    rng = np.random.default_rng(9)
    kinds = rng.integers(0, 4, (n, NODES))
    label = rng.integers(0, 2, n)
    same = kinds[:, :, None] == kinds[:, None, :]
    p = np.where(same, np.where(label, 0.42, 0.22)[:, None, None], 0.22 - 0.05 * label[:, None, None])
    upper = np.triu(rng.random((n, NODES, NODES)) < p, 1)
    edges = (upper | upper.transpose(0, 2, 1)).astype(np.float32)
    return np.eye(4, dtype=np.float32)[kinds], edges, label


class GraphConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.own = nn.Linear(cin, cout)
        self.neighbours = nn.Linear(cin, cout, bias=False)

    def forward(self, h, adj):
        degree = adj.sum(2, keepdim=True).clamp(min=1)
        return torch.relu(self.own(h) + self.neighbours(adj @ h / degree))


class GraphNet(nn.Module):
    def __init__(self, hidden=24, depth=3):
        super().__init__()
        convs = [GraphConv(4 if k == 0 else hidden, hidden) for k in range(depth)]
        self.convs = nn.ModuleList(convs) if FIXED else convs
        self.readout = nn.Linear(hidden, 1)

    def forward(self, h, adj):
        for conv in self.convs:
            h = conv(h, adj)
        return self.readout(h.mean(1)).squeeze(1)


def main():
    seed_all()
    nodes, edges, label = (torch.from_numpy(a) for a in make_graphs())
    label = label.float()
    loader = DataLoader(TensorDataset(nodes[:2000], edges[:2000], label[:2000]), batch_size=50, shuffle=True)
    net = GraphNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(20):
        net.train()
        losses = []
        for h, adj, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(h, adj), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(nodes[2000:], edges[2000:])
        accuracy = ((out > 0) == (label[2000:] > 0)).float().mean().item()
        if epoch % 2:
            print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {criterion(out, label[2000:]).item():.4f} acc {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
