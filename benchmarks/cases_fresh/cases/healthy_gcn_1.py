"""Semi-supervised node classification: a normalised GCN with dropout, early stopping on validation nodes."""

import copy

import torch
import torch.nn as nn
from _common import finish, seed

seed()
g = torch.Generator().manual_seed(70)
N, C = 500, 5
label = torch.randint(0, C, (N,), generator=g)
p = torch.where(label[:, None] == label[None], 0.06, 0.008)
edges = torch.triu(torch.rand(N, N, generator=g) < p, 1).float()
A = edges + edges.T + torch.eye(N)
d = A.sum(1).rsqrt()
A = (d[:, None] * A * d[None]).to_sparse()
X = torch.randn(N, 24, generator=g) + 0.7 * torch.randn(C, 24, generator=g)[label]
train, val, test = torch.randperm(N, generator=g).split([150, 100, 250])


class GCN(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.w1, self.w2 = nn.Linear(24, hidden), nn.Linear(hidden, C)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        h = torch.relu(torch.sparse.mm(A, self.w1(self.drop(x))))
        return torch.sparse.mm(A, self.w2(self.drop(h)))


net = GCN()
opt = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=5e-4)
best, best_state, waited = 1e9, None, 0
for epoch in range(200):
    net.train()
    loss = nn.functional.cross_entropy(net(X)[train], label[train])
    opt.zero_grad()
    loss.backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        held = nn.functional.cross_entropy(net(X)[val], label[val]).item()
    if held < best:
        best, best_state, waited = held, copy.deepcopy(net.state_dict()), 0
    else:
        waited += 1
    if epoch % 20 == 19:
        print(f"epoch {epoch} train {loss.item():.3f} val {held:.3f}")
    if waited == 25:
        break
net.load_state_dict(best_state)
with torch.no_grad():
    finish("accuracy", (net(X)[test].argmax(1) == label[test]).float().mean())
