"""Data and networks of the small trainings for the treatment benchmark, drawn from fixed generators."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

Data = tuple[Tensor, Tensor, Tensor, Tensor]


def split(x: Tensor, y: Tensor, share: float = 0.75) -> Data:
    """Return (training inputs, targets, validation inputs, targets)."""
    rows = int(share * len(x))
    return x[:rows], y[:rows], x[rows:], y[rows:]


def table(count: int = 1000) -> Data:
    """Return eight standard columns and a smooth function of four, as (N, 1)."""
    g = torch.Generator().manual_seed(11)
    x = torch.randn(count, 8, generator=g)
    y = x[:, 0].sin() + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.1 * torch.randn(count, generator=g)
    return split(x, y[:, None])


def rings(count: int = 1000) -> Data:
    """Return points on three rings around each other, and the number of the ring."""
    g = torch.Generator().manual_seed(12)
    y = torch.randint(0, 3, (count,), generator=g)
    angle, radius = 2 * math.pi * torch.rand(count, generator=g), 0.6 * (y + 1) + 0.1 * torch.randn(count, generator=g)
    return split(torch.stack([angle.cos() * radius, angle.sin() * radius], 1), y)


def strokes(count: int = 800) -> Data:
    """Return images (N, 1, 10, 10) of a bar in one of four directions in noise, and the direction."""
    g = torch.Generator().manual_seed(13)
    x, y = 0.5 * torch.randn(count, 1, 10, 10, generator=g), torch.randint(0, 4, (count,), generator=g)
    places = torch.randint(2, 8, (count,), generator=g)
    steps = torch.arange(10)
    for n in range(count):
        at, label = int(places[n]), int(y[n])
        if label == 0:
            x[n, 0, at] += 1.5
        elif label == 1:
            x[n, 0, :, at] += 1.5
        else:
            x[n, 0, steps, (steps + at) % 10 if label == 2 else (at - steps) % 10] += 1.5
    return split(x, y)


def sequences(count: int = 800) -> Data:
    """Return walks (N, 12, 2) and whether the first coordinate was above its start more often than below."""
    g = torch.Generator().manual_seed(14)
    x = torch.randn(count, 12, 2, generator=g)
    y = (x[:, :, 0].cumsum(1).sign().sum(1) > 0).long()
    return split(x, y)


def mlp(*sizes: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return a stack of linear layers with an activation between."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


class Recurrent(nn.Module):
    """A GRU over (N, T, 2), read at its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.GRU(2, 24, batch_first=True), nn.Linear(24, 2)

    def forward(self, x_NTC: Tensor) -> Tensor:
        """Return logits (N, 2)."""
        logits: Tensor = self.head(self.rnn(x_NTC)[0][:, -1])
        return logits


def accuracy(out: Tensor, y: Tensor) -> float:
    """Return the share of right classes."""
    return (out.argmax(1) == y).float().mean().item()


def binary_accuracy(out: Tensor, y: Tensor) -> float:
    """Return the balanced share of right answers of logits (N, 1)."""
    said, true = out.reshape(-1) > 0, y.reshape(-1) > 0.5
    return ((said & true).sum() / true.sum() + (~said & ~true).sum() / (~true).sum()).item() / 2


def r2(out: Tensor, y: Tensor) -> float:
    """Return the explained share of the variance."""
    y = y.reshape(-1)
    return (1 - ((out.reshape(-1) - y) ** 2).mean() / y.var(unbiased=False)).item()
