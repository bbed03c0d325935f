"""Activation functions by name, and the initialisation that fits each.

He et al. 2015, https://arxiv.org/abs/1502.01852: rectifiers halve the variance, so the weights' variance is 2 / fan-in.
Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html: for tanh and sigmoid 2 / (fan-in + fan-out).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from convergent.config import nearest
from convergent.models.lean import squared_relu
from convergent.types import UserError


class SquaredReLU(nn.Module):
    """The square of a rectifier, So et al. 2021, https://arxiv.org/abs/2109.08668."""

    def forward(self, x: Tensor) -> Tensor:
        """Return max(x, 0) squared."""
        return squared_relu(x)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "squared_relu": SquaredReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def make_activation(name: str) -> nn.Module:
    """Return a new module of the activation function `name`; raises UserError for an unknown name.

    >>> make_activation("relu")
    ReLU()
    """
    if name not in ACTIVATIONS:
        raise UserError(
            f"unknown activation `{name}`.{nearest(name, list(ACTIVATIONS))} Known: {', '.join(ACTIVATIONS)}."
        )
    return ACTIVATIONS[name]()


def initialise(module: nn.Module, activation: str) -> None:
    """Fill the linear and convolution layers within `module` as fits `activation`: He or Glorot; biases zero.

    >>> layer = nn.Linear(1000, 500); initialise(layer, "relu"); round(layer.weight.var().item() * 1000)
    2
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
            if activation == "sigmoid":
                nn.init.xavier_normal_(layer.weight)
            elif activation == "tanh":
                nn.init.xavier_normal_(layer.weight, gain=5 / 3)
            else:
                slope = 0.01 if activation == "leaky_relu" else 0.0
                nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
