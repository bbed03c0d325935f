"""A Wasserstein GAN on points of four clusters, three critic steps to one of the generator."""

import torch
from _common import FIXED, finish, seed
from torch import nn

seed()
centres = torch.tensor([[1.5, 1.5], [1.5, -1.5], [-1.5, 1.5], [-1.5, -1.5]])


def real_batch(n):
    return centres[torch.randint(0, 4, (n,))] + 0.2 * torch.randn(n, 2)


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, o))


def penalty(critic, real, fake):
    mix = torch.rand(len(real), 1)
    x = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((grad.norm(dim=1) - 1) ** 2).mean()


G, D = mlp(4, 2), mlp(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))
for step in range(700):
    for _ in range(3):
        real, fake = real_batch(64), G(torch.randn(64, 4)).detach()
        loss_d = D(fake).mean() - D(real).mean()
        if FIXED:
            loss_d = loss_d + 5.0 * penalty(D, real, fake)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
    loss_g = -D(G(torch.randn(64, 4))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 140 == 139:
        with torch.no_grad():
            sample = G(torch.randn(500, 4))
            gap = torch.cdist(real_batch(500), sample).min(1).values.mean().item()
            gap += torch.cdist(sample, centres).min(1).values.mean().item()
        print(f"{step}: critic {loss_d.item():.3f} generator {loss_g.item():.3f} distance {gap:.3f}")
finish("distance", gap)
