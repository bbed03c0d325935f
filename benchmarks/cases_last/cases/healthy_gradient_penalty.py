"""A Wasserstein critic with gradient penalty on two moons; both losses may have any sign."""

import math

import torch
import torch.nn as nn
from _common import finish, seed


def moons(n):
    a = torch.rand(n) * math.pi
    up = torch.rand(n) < 0.5
    p = torch.where(up[:, None], torch.stack([a.cos(), a.sin()], 1), torch.stack([1 - a.cos(), 0.5 - a.sin()], 1))
    return p - torch.tensor([0.5, 0.25]) + 0.05 * torch.randn(n, 2)


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, o))


seed()
generator, critic = mlp(6, 2), mlp(2, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.0, 0.9))
for step in range(1, 601):
    for _ in range(3):
        real, fake = moons(128), generator(torch.randn(128, 6)).detach()
        mix = torch.lerp(real, fake, torch.rand(128, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
        loss_c = critic(fake).mean() - critic(real).mean() + 0.5 * (slope.norm(dim=1) - 1).square().mean()
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
    loss_g = -critic(generator(torch.randn(128, 6))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 100 == 0:
        print(f"step {step} critic {loss_c.item():.4f} generator {loss_g.item():.4f}")
with torch.no_grad():
    a, b = generator(torch.randn(1500, 6)), moons(1500)
    finish("energy_distance", 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())
