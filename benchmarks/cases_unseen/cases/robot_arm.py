"""Inverse dynamics of a two-joint arm, regression with a four-layer network."""

import math

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed

seed()
g = torch.Generator().manual_seed(12)
q = (torch.rand(4000, 2, generator=g) * 2 - 1) * math.pi
dq = torch.randn(4000, 2, generator=g)
torque = (
    0.8 * dq[:, 0] * dq[:, 1] * q[:, 1].sin() + 1.2 * q[:, 0].cos() + 0.9 * (q[:, 0] + q[:, 1]).cos()
    + 0.05 * torch.randn(4000, generator=g)
)  # fmt: skip
X = torch.cat([q / math.pi, dq], 1)
y = ((torque - torque.mean()) / torque.std()).unsqueeze(1)


class DynamicsModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layer = nn.Linear(4, 64)
        self.hidden_layer1 = nn.Linear(64, 64)
        self.hidden_layer2 = nn.Linear(64, 64)
        self.output_layer = nn.Linear(64, 1)
        self.activation = nn.SiLU() if FIXED else nn.Identity()

    def forward(self, x):
        x = self.activation(self.input_layer(x))
        x = self.activation(self.hidden_layer1(x))
        x = self.activation(self.hidden_layer2(x))
        return self.output_layer(x)


def batches(n, size):
    yield from torch.randperm(n).split(size)


model = DynamicsModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.SmoothL1Loss()
for epoch in range(25):
    for b in batches(3200, 64):
        loss = loss_fn(model(X[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{epoch:3d} {loss.item():.5f}")
with torch.no_grad():
    finish("r2", r2(model(X[3200:]), y[3200:]))
