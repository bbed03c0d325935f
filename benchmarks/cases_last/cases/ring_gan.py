"""Generative adversarial network: points on a ring of eight blobs."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

LATENT = 8


def real_points(n):
    angle = torch.randint(8, (n,)) * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], 1) * 1.5 + 0.1 * torch.randn(n, 2)


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, o))


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main(steps=900, batch=96):
    seed()
    generator, discriminator = mlp(LATENT, 2), mlp(2, 1)
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    bce = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
    for step in range(1, steps + 1):
        fake = generator(torch.randn(batch, LATENT))
        if not FIXED:
            fake = fake.detach()

        opt_d.zero_grad()
        loss_d = bce(discriminator(real_points(batch)), ones) + bce(discriminator(fake.detach()), zeros)
        loss_d.backward()
        opt_d.step()

        opt_g.zero_grad()
        loss_g = bce(discriminator(fake), ones)
        loss_g.backward()
        opt_g.step()
        if step % 150 == 0:
            print(f"[{step}/{steps}] D: {loss_d.item():.3f} G: {loss_g.item():.3f}")
    with torch.no_grad():
        finish("energy_distance", energy_distance(generator(torch.randn(1500, LATENT)), real_points(1500)))


main()
