"""Pressure between wells is fitted with a small network and L-BFGS on all rows at once."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


def pressure(place):
    x, y = place.unbind(1)
    wells = [(0.3, 0.2, 1.0), (-0.5, 0.4, -0.8), (0.1, -0.6, 0.6)]
    return sum(q * torch.log(((x - a) ** 2 + (y - b) ** 2 + 0.02).sqrt()) for a, b, q in wells)


seed()
place = torch.rand(700, 2) * 2 - 1
target = pressure(place) + 0.02 * torch.randn(700)
x, y, x_test, y_test = place[:500], target[:500], place[500:], pressure(place[500:])
net = nn.Sequential(nn.Linear(2, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=10, line_search_fn="strong_wolfe")


def closure():
    if FIXED:
        optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x).squeeze(1), y)
    loss.backward()
    return loss


for step in range(25):
    optimizer.zero_grad()
    loss = optimizer.step(closure)
    if step % 5 == 4:
        print(f"step {step + 1} loss {loss.item():.5f}")
with torch.no_grad():
    finish("rmse", (net(x_test).squeeze(1) - y_test).square().mean().sqrt())
