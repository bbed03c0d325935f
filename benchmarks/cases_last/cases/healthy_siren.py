"""One picture is one network: coordinates in, brightness out, sines between."""

import math

import torch
import torch.nn as nn
from _common import finish, nuclei, seed


class Sine(nn.Module):
    def __init__(self, i, o, omega=30.0, first=False):
        super().__init__()
        self.linear, self.omega = nn.Linear(i, o), omega
        bound = 1 / i if first else math.sqrt(6 / i) / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.omega * self.linear(x))


seed()
picture = torch.tensor(nuclei()[0][3]).float()[::2, ::2]
picture = (picture - picture.mean()) / picture.std()
side = torch.linspace(-1, 1, 64)
place = torch.cartesian_prod(side, side)
value = picture.flatten()
net = nn.Sequential(Sine(2, 64, first=True), Sine(64, 64), Sine(64, 64), nn.Linear(64, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(1, 301):
    loss = (net(place) - value).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.5f}")
with torch.no_grad():
    finish("mse", (net(place) - value).square().mean())
