"""GAN on points of eight Gaussian blobs on a ring."""
import math

import torch
from torch import nn

from _common import seed_all

BLOBS, NOISE = 8, 8


def real(n):
    a = torch.randint(BLOBS, (n,)) * (2 * math.pi / BLOBS)
    return torch.stack([a.cos(), a.sin()], 1) * 1.4 + 0.1 * torch.randn(n, 2)


def mlp(n_in, n_out, act):
    return nn.Sequential(nn.Linear(n_in, 96), act(), nn.Linear(96, 96), act(), nn.Linear(96, n_out))


def sliced_distance(a, b, directions=64):
    v = nn.functional.normalize(torch.randn(2, directions), dim=0)
    return ((a @ v).sort(0).values - (b @ v).sort(0).values).abs().mean().item()


def main():
    seed_all()
    gen, disc = mlp(NOISE, 2, nn.ReLU), mlp(2, 1, lambda: nn.LeakyReLU(0.2))
    opt_g = torch.optim.Adam(gen.parameters(), lr=5e-4, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(disc.parameters(), lr=1e-3, betas=(0.5, 0.9))
    bce = nn.BCEWithLogitsLoss()
    data, held_out = real(8000), real(2000)
    for epoch in range(20):
        gen.train(), disc.train()
        d_sum = g_sum = 0.0
        batches = torch.randperm(len(data)).split(128)
        for idx in batches:
            x = data[idx]
            fake = gen(torch.randn(len(x), NOISE))
            opt_d.zero_grad()
            d_loss = bce(disc(x), torch.full((len(x), 1), 0.9)) + bce(disc(fake.detach()), torch.zeros(len(x), 1))
            d_loss.backward()
            opt_d.step()
            opt_g.zero_grad()
            g_loss = bce(disc(fake), torch.ones(len(x), 1))
            g_loss.backward()
            opt_g.step()
            d_sum, g_sum = d_sum + d_loss.item(), g_sum + g_loss.item()
        gen.eval(), disc.eval()
        with torch.no_grad():
            score = sliced_distance(gen(torch.randn(len(held_out), NOISE)), held_out)
        print(f"epoch {epoch + 1:2d} d {d_sum / len(batches):.4f} g {g_sum / len(batches):.4f} sliced distance {score:.4f}")
    print(f"final sliced_distance {score:.4f}")


if __name__ == "__main__":
    main()
