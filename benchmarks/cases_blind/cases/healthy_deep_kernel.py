"""A Gaussian process on top of a small network, eighty points, all in one batch, by the marginal likelihood."""

import math

import torch
import torch.nn as nn
from _common import finish, r2, seed


class DeepKernel(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
        self.log_length = nn.Parameter(torch.zeros(2))
        self.log_scale, self.log_noise = nn.Parameter(torch.zeros(())), nn.Parameter(torch.tensor(-2.0))

    def kernel(self, a, b):
        fa, fb = (torch.cat([self.feature(v), v], 1) for v in (a, b))
        length = torch.cat([self.log_length, self.log_length]).exp()
        return self.log_scale.exp() * torch.exp(-0.5 * torch.cdist(fa / length, fb / length) ** 2)

    def factor(self, x):
        return torch.linalg.cholesky(self.kernel(x, x) + (self.log_noise.exp() + 1e-4) * torch.eye(len(x)))

    def loss(self, x, y):
        chol = self.factor(x)
        alpha = torch.cholesky_solve(y[:, None], chol)[:, 0]
        return 0.5 * (y @ alpha) / len(y) + chol.diagonal().log().mean() + 0.5 * math.log(2 * math.pi)

    def predict(self, x, y, new):
        alpha = torch.cholesky_solve(y[:, None], self.factor(x))[:, 0]
        return self.kernel(new, x) @ alpha


def surface(n):
    x = 4 * torch.rand(n, 2) - 2
    return x, torch.sin(2 * x[:, 0]) * torch.cos(x[:, 1]) + 0.3 * x[:, 1]


seed()
x, y = surface(80)
y = y + 0.05 * torch.randn(80)
model = DeepKernel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
for step in range(200):
    optimizer.zero_grad()
    loss = model.loss(x, y)
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"step {step} negative log likelihood a point {loss.item():.4f}")
with torch.no_grad():
    new, truth = surface(500)
    finish("r2", r2(model.predict(x, y, new), truth))
