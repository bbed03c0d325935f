"""Communities of a network: many layers of propagation, so that each node hears from afar."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed

N, K = 400, 4


def network():
    y = torch.arange(N) % K
    p = torch.where(y[:, None] == y, 0.06, 0.012)
    a = torch.triu((torch.rand(N, N) < p).float(), 1)
    a = a + a.T + torch.eye(N)
    d = a.sum(1) ** -0.5
    x = 0.8 * F.one_hot(y, K) @ torch.randn(K, 20) * 0.5 + torch.randn(N, 20)
    return d[:, None] * a * d, x, y


class GCN(nn.Module):
    def __init__(self, depth, width=32):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(20 if k == 0 else width, width) for k in range(depth)])
        self.out = nn.Linear(width, K)

    def forward(self, a, x):
        for layer in self.layers:
            x = F.relu(a @ layer(x))
        return self.out(x)


seed()
a, x, y = network()
perm = torch.randperm(N)
train, test = perm[:160], perm[160:]
model = GCN(2 if FIXED else 24)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
for epoch in range(120):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(a, x)[train], y[train])
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(a, x)[test].argmax(1) == y[test]).float().mean())
