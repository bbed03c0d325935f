"""Passenger table: fares and ticket numbers go in as they stand."""
from _common import *
from torch import nn

seed()
g = np.random.default_rng(4)
n = 890
sex, pclass = g.integers(0, 2, n), g.integers(1, 4, n)
age, fare, ticket = g.uniform(1, 75, n), g.lognormal(3, 1, n) * (4 - pclass), g.integers(1000, 400_000, n)
logit = 2.4 * sex - 0.9 * (pclass - 2) - 0.03 * (age - 30)
y = (g.random(n) < 1 / (1 + np.exp(-2 * logit))).astype(np.float32)
X = np.stack([sex, pclass, age, fare, ticket], 1).astype(np.float32)
if FIXED:
    X = (X - X[:700].mean(0)) / X[:700].std(0)
X, y = torch.tensor(X), torch.tensor(y)


class Titanic(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 32)
        self.fc2 = nn.Linear(32, 16)
        self.fc3 = nn.Linear(16, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x).squeeze(1)


net = Titanic()
opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
crit = nn.BCEWithLogitsLoss()
for epoch in range(40):
    perm = torch.randperm(700)
    for i in range(0, 700, 32):
        b = perm[i:i + 32]
        opt.zero_grad()
        loss = crit(net(X[b]), y[b])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            out = net(X[700:])
            print(f"{epoch} loss {crit(out, y[700:]):.3f} acc {((out > 0).float() == y[700:]).float().mean():.3f}")
        net.train()
