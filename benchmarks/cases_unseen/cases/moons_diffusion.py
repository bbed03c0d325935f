"""Denoising diffusion on two moons, everything in one file."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

seed()
g = torch.Generator().manual_seed(2)
angle = torch.rand(3000, generator=g) * math.pi
upper = torch.stack([angle.cos(), angle.sin()], 1)
lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
data = torch.where(torch.rand(3000, 1, generator=g) < 0.5, upper, lower) + 0.05 * torch.randn(3000, 2, generator=g)
data = (data - data.mean(0)) / data.std(0)
train, held = data[:2500], data[2500:]

STEPS = 60
betas = torch.linspace(1e-3, 0.12, STEPS)
alphas_bar = torch.cumprod(1 - betas, 0)


class NoisePredictor(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.time = nn.Embedding(STEPS, 32)
        self.net = nn.Sequential(
            nn.Linear(34, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], 1))


def q_sample(x0, t, noise):
    a = alphas_bar[t].unsqueeze(1)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


def p_losses(model, x0, t):
    noise = torch.randn_like(x0)
    x_noisy = q_sample(x0, t, noise if FIXED else torch.randn_like(x0))
    return nn.functional.mse_loss(model(x_noisy, t), noise)


@torch.no_grad()
def sample(model, n):
    x = torch.randn(n, 2)
    for t in reversed(range(STEPS)):
        eps = model(x, torch.full((n,), t))
        x = (x - betas[t] / (1 - alphas_bar[t]).sqrt() * eps) / (1 - betas[t]).sqrt()
        if t:
            x = x + betas[t].sqrt() * torch.randn_like(x)
    return x


model = NoisePredictor()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(40):
    for idx in torch.randperm(len(train)).split(100):
        t = torch.randint(0, STEPS, (len(idx),))
        loss = p_losses(model, train[idx], t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", loss.item())
made = sample(model, 500)
energy = 2 * torch.cdist(made, held).mean() - torch.cdist(made, made).mean() - torch.cdist(held, held).mean()
finish("energy_distance", energy)
