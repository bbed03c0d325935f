"""One body, two heads: a class and a number."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(4)
x = torch.randn(1500, 10, generator=g)
k = (x[:, 0] * x[:, 1] > 0).long()
v = x[:, 2] - x[:, 3].abs() + 0.1 * torch.randn(1500, generator=g)


class Multi(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.cls, self.reg = nn.Linear(64, 2), nn.Linear(64, 1)

    def forward(self, q):
        h = self.body(q)
        return self.cls(h), self.reg(h).squeeze(1)


net = Multi()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for e in range(25):
    net.train()
    for i in torch.randperm(1200).split(40):
        c, r = net(x[i])
        loss = nn.functional.cross_entropy(c, k[i]) + 0.5 * nn.functional.mse_loss(r, v[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        c, r = net(x[1200:])
        print(e, (c.argmax(1) == k[1200:]).float().mean().item(), nn.functional.mse_loss(r, v[1200:]).item())
