"""A neural ordinary differential equation for hares and lynxes, integrated by Runge-Kutta."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

DT = 0.1


def lotka_volterra(z):
    a, b = z[..., 0], z[..., 1]
    return torch.stack([1.5 * a - a * b, a * b - 3.0 * b], -1) / 3


def rk4(f, z, steps):
    path = [z]
    for _ in range(steps):
        k1 = f(z)
        k2 = f(z + DT / 2 * k1)
        k3 = f(z + DT / 2 * k2)
        k4 = f(z + DT * k3)
        z = z + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(z)
    return torch.stack(path, 1)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))

    def forward(self, z):
        return self.net((z - 2) / 1.5)


def main():
    seed()
    start = 1 + 3 * torch.rand(300, 2)
    with torch.no_grad():
        paths = rk4(lotka_volterra, start, 10)
    field = Field()
    optimizer = torch.optim.Adam(field.parameters(), lr=3e-3)
    for it in range(300):
        idx = torch.randint(0, 250, (50,))
        if FIXED:
            optimizer.zero_grad()
        loss = (rk4(field, start[idx], 10) - paths[idx]).abs().mean()
        loss.backward()
        optimizer.step()
        if it % 50 == 0:
            print("Iter {:04d} | Total Loss {:.6f}".format(it, loss.item()))
    with torch.no_grad():
        wrong = (rk4(field, start[250:], 10) - paths[250:])[:, -1].square().mean()
        finish("unexplained", wrong / paths[250:, -1].var())


main()
