"""How many visitors come in an hour: Poisson regression with a small network."""

import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
g = torch.Generator().manual_seed(33)
hour, warm, holiday = (
    torch.randint(0, 24, (4000,), generator=g).float(),
    torch.randn(4000, generator=g),
    (torch.rand(4000, generator=g) < 0.2).float(),
)
angle = hour * 6.2832 / 24
rate = torch.exp(2.0 + 0.8 * torch.sin(angle - 2) + 0.4 * warm - 0.3 * warm**2 + 0.5 * holiday * warm)
visits = torch.poisson(rate, generator=g)
x = torch.stack([torch.sin(angle), torch.cos(angle), warm, holiday], 1)


class PoissonNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.rate = nn.Linear(32, 1)

    def forward(self, x):
        return torch.exp(self.rate(self.hidden(x))).squeeze(1)


net = PoissonNet()
loss_fn = nn.PoissonNLLLoss(log_input=not FIXED)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(15):
    for xb, yb in DataLoader(TensorDataset(x[:3000], visits[:3000]), 50, shuffle=True):
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()
    with torch.no_grad():
        guess = net(x[3000:])
        error = (guess - rate[3000:]).abs().mean().item()
    print(f"{epoch} loss {loss.item():.3f} error of the rate {error:.3f}")
finish("mae", error)
