"""Eleven defects among two thousand parts."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

seed()
g = torch.Generator().manual_seed(9)
n = 2600
y = (torch.rand(n, generator=g) < 0.008).long()
x = torch.randn(n, 12, generator=g) + 1.1 * y[:, None] * torch.tensor([1., 1, 1, 0, 0, 0, -1, 0, 0, 0, 1, 0])
tr, te = TensorDataset(x[:2000], y[:2000]), TensorDataset(x[2000:], y[2000:])
if FIXED:
    w = torch.where(y[:2000] == 1, 1.0 / (y[:2000] == 1).sum(), 1.0 / (y[:2000] == 0).sum())
    loader = DataLoader(tr, 50, sampler=WeightedRandomSampler(w, 2000))
else:
    loader = DataLoader(tr, 50, shuffle=True)


class Trainer:
    def __init__(self, net):
        self.net, self.opt = net, torch.optim.Adam(net.parameters(), lr=1e-3)

    def fit(self, epochs):
        for e in range(epochs):
            self.net.train()
            for xb, yb in loader:
                self.opt.zero_grad()
                l = nn.functional.cross_entropy(self.net(xb), yb)
                l.backward()
                self.opt.step()
            self.net.eval()
            with torch.no_grad():
                p = torch.cat([self.net(a).argmax(1) for a, _ in DataLoader(te, 200)])
            print(e, "recall", ((p == 1) & (y[2000:] == 1)).sum().item() / max(1, (y[2000:] == 1).sum().item()))


Trainer(nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 2))).fit(12)
