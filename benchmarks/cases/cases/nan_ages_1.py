"""A table with holes: ages that nobody filled in are NaN."""
from _common import *
from torch import nn

seed()
g = np.random.default_rng(1)
X = g.normal(size=(600, 8)).astype(np.float32)
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int64)
X[g.random(600) < 0.02, 3] = np.nan
if FIXED:
    X = np.nan_to_num(X)
X, y = torch.from_numpy(X), torch.from_numpy(y)
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optim = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(25):
    for idx in torch.randperm(480).split(24):
        loss = nn.functional.cross_entropy(net(X[idx]), y[idx])
        optim.zero_grad(); loss.backward(); optim.step()
    print(epoch, loss.item(), accuracy(net, X[480:], y[480:]))
