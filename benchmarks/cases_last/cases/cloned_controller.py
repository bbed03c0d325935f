"""Behaviour cloning: a policy learns the torques of a controller that swings up a pendulum."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

MAX_TORQUE = 2.0


def step(theta, speed, torque):
    speed = speed + 0.05 * (15 * torch.sin(theta) + 3 * torque)
    speed = speed.clamp(-8, 8)
    return theta + 0.05 * speed, speed


def expert(theta, speed):
    """Pump energy far from the top, hold near it."""
    angle = torch.remainder(theta + math.pi, 2 * math.pi) - math.pi
    energy = speed**2 / 6 + 5 * torch.cos(angle)
    hold = -12 * angle - 2.5 * speed
    pump = 2.0 * speed * (5 - energy).clamp(-1, 1)
    return torch.where(angle.abs() < 0.5, hold, pump).clamp(-MAX_TORQUE, MAX_TORQUE)


def observe(theta, speed):
    return torch.stack([theta.cos(), theta.sin(), speed / 8], 1)


class Policy(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.l1, self.l2, self.l3 = nn.Linear(3, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, obs):
        x = torch.tanh(self.l2(torch.tanh(self.l1(obs))))
        x = torch.tanh(self.l3(x)).squeeze(1)
        return MAX_TORQUE * x if FIXED else x


seed()
theta, speed = torch.rand(320) * 2 * math.pi, 3 * torch.randn(320)
observations, torques = [], []
for _ in range(24):
    torque = expert(theta, speed)
    observations.append(observe(theta, speed))
    torques.append(torque)
    theta, speed = step(theta, speed, torque + 0.3 * torch.randn(320))
observations, torques = torch.cat(observations), torch.cat(torques)
policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
held = len(torques) - 1000
for epoch in range(12):
    for idx in torch.randperm(held).split(64):
        loss = nn.functional.mse_loss(policy(observations[idx]), torques[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
with torch.no_grad():
    finish("mse", nn.functional.mse_loss(policy(observations[held:]), torques[held:]))
