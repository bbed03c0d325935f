"""Hinge GAN with spectral norm on a ring of eight Gaussians; two optimisers, two critic steps each."""

import math

import torch
import torch.nn as nn
from _common import finish, seed
from torch.nn.utils.parametrizations import spectral_norm

seed()


def real_batch(n):
    angle = torch.randint(0, 8, (n,)) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], 1) * 1.5 + 0.08 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(8, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))
D = nn.Sequential(
    spectral_norm(nn.Linear(2, 96)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(96, 96)), nn.LeakyReLU(0.2), nn.Linear(96, 1)
)
opt_g = torch.optim.Adam(G.parameters(), lr=4e-4, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9))
for step in range(2500):
    for _ in range(2):
        fake = G(torch.randn(128, 8)).detach()
        d_loss = torch.relu(1 - D(real_batch(128))).mean() + torch.relu(1 + D(fake)).mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
    g_loss = -D(G(torch.randn(128, 8))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 250 == 0:
        print(f"[{step}] Loss_D: {d_loss.item():.4f} Loss_G: {g_loss.item():.4f}")
with torch.no_grad():
    made, real = G(torch.randn(1000, 8)), real_batch(1000)
    energy = 2 * torch.cdist(made, real).mean() - torch.cdist(made, made).mean() - torch.cdist(real, real).mean()
finish("energy_distance", energy)
