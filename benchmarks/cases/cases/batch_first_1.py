"""A transformer encoder without batch_first gets (batch, time, features)."""
from _common import *
from torch import nn

seed()
xs, ys, xts, yts = gunpoint()
g = torch.Generator().manual_seed(1)
t = torch.linspace(0, 1, 30)
y = torch.randint(0, 3, (900,), generator=g)
x = torch.sin(6.28 * (1 + 1.5 * y[:, None]) * t + 6.28 * torch.rand(900, 1, generator=g)) + 0.2 * torch.randn(900, 30, generator=g)
x = x.view(900, 10, 3)


class Enc(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(3, 24)
        self.pos = nn.Parameter(0.1 * torch.randn(10, 24))
        self.enc = nn.TransformerEncoderLayer(24, 4, 48, dropout=0.0, batch_first=FIXED)
        self.out = nn.Linear(24, 3)

    def forward(self, s):
        return self.out(self.enc(self.inp(s) + self.pos).mean(1))


net = Enc()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(10):
    for i in torch.randperm(700).split(28):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item(), accuracy(net, x[700:], y[700:]))
