"""Node classification on a random graph of communities with message passing, full batch."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(19)
N, C = 400, 4
label = torch.randint(0, C, (N,), generator=g)
same = label[:, None] == label[None]
upper = torch.triu(torch.rand(N, N, generator=g) < torch.where(same, 0.16, 0.04), 1)
A = (upper | upper.T).float() + torch.eye(N)
if FIXED:
    A = A / A.sum(1, keepdim=True)
X = F.one_hot(label, C).float() @ torch.randn(C, 16, generator=g) * 0.4 + torch.randn(N, 16, generator=g)
order = torch.randperm(N, generator=g)
train, val = order[:200], order[200:]


class GraphConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.neigh, self.own = nn.Linear(i, o, bias=False), nn.Linear(i, o)

    def forward(self, h, A):
        return self.neigh(A @ h) + self.own(h)


class GNN(nn.Module):
    def __init__(self, width=32, layers=5):
        super().__init__()
        sizes = [16] + [width] * (layers - 1) + [C]
        self.convs = nn.ModuleList(GraphConv(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def forward(self, h, A):
        for conv in self.convs[:-1]:
            h = F.relu(conv(h, A))
        return self.convs[-1](h, A)


model = GNN()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
for epoch in range(80):
    model.train()
    optimizer.zero_grad()
    out = model(X, A)
    loss = F.cross_entropy(out[train], label[train])
    loss.backward()
    optimizer.step()
    if epoch % 10 == 9:
        model.eval()
        with torch.no_grad():
            acc = (model(X, A)[val].argmax(1) == label[val]).float().mean().item()
        print(f"Epoch {epoch:03d}, Loss: {loss:.4f}, Val: {acc:.4f}")
finish("accuracy", acc)
