"""Physics-informed network for a damped oscillator: Adam first, then L-BFGS with a closure; full batch."""

import torch
import torch.nn as nn
from _common import finish, seed

seed()
DAMPING, OMEGA = 0.4, 3.0
t_physics = torch.linspace(0, 3, 150).view(-1, 1).requires_grad_(True)
t_start = torch.zeros(1, 1, requires_grad=True)

net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def derivative(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def pinn_loss():
    u0 = net(t_start)
    boundary = (u0 - 1).pow(2).mean() + 0.1 * derivative(u0, t_start).pow(2).mean()
    u = net(t_physics)
    du = derivative(u, t_physics)
    d2u = derivative(du, t_physics)
    physics = (d2u + 2 * DAMPING * du + OMEGA**2 * u).pow(2).mean()
    return 10 * boundary + 0.02 * physics


adam = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(1500):
    adam.zero_grad()
    loss = pinn_loss()
    loss.backward()
    adam.step()
    if step % 250 == 0:
        print("adam", step, loss.item())

lbfgs = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=20, history_size=20, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = pinn_loss()
    loss.backward()
    return loss


for outer in range(40):
    loss = lbfgs.step(closure)
    if outer % 8 == 0:
        print("lbfgs", outer, loss.item())

t = torch.linspace(0, 3, 100).view(-1, 1)
w = (OMEGA**2 - DAMPING**2) ** 0.5
exact = torch.exp(-DAMPING * t) * (torch.cos(w * t) + DAMPING / w * torch.sin(w * t))
with torch.no_grad():
    finish("rmse", (net(t) - exact).pow(2).mean().sqrt())
