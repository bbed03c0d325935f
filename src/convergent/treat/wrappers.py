"""What is put around a user's network: it goes on taking the same raw inputs and giving outputs in the same units.

The statistics are fitted on the training split alone and lie in buffers, so they travel with the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

SMALLEST_STD = 1e-6


class StandardisedInput(nn.Module):
    """`net` behind (x - mean) / std of the first input; a missing value becomes the mean.

    >>> net = StandardisedInput(nn.Identity(), torch.tensor([10.0]), torch.tensor([2.0]))
    >>> net(torch.tensor([[14.0], [float("nan")]])).tolist()
    [[2.0], [0.0]]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor, *others: Any, **options: Any) -> Any:
        """Return the network's output for the standardised input."""
        standard = (x.to(self.mean.dtype) - self.mean) / self.std
        return self.net(torch.nan_to_num(standard, nan=0.0, posinf=0.0, neginf=0.0), *others, **options)


class RescaledOutput(nn.Module):
    """mean + std * net(x): the network learns a standardised target, its user sees the target's own units."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the output in the target's units."""
        out: Tensor = self.net(*args, **kwargs)
        return out * self.std + self.mean


class ScaledLoss:
    """A loss of outputs and targets in units of the training targets' standard deviation."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], mean: Tensor, std: Tensor) -> None:
        self.loss, self.mean, self.std = loss, mean, std

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        mean, std = self.mean.to(outputs.device), self.std.to(outputs.device)
        return self.loss((outputs - mean) / std, (targets.to(outputs.dtype) - mean) / std)


class ShapedLoss:
    """A loss whose target is first given the output's shape: (N,) against (N, 1) would broadcast to (N, N)."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.loss = loss

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        return self.loss(outputs, targets.reshape(outputs.shape) if targets.numel() == outputs.numel() else targets)


class MeanLoss:
    """A loss that sums over the batch, as a mean."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.loss = loss

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a sample."""
        return self.loss(outputs, targets) / max(1, len(targets))


def input_statistics(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return (mean, std) of inputs (N, ...): of each column, of each channel of images, of each feature of sequences.

    Values that are missing or infinite do not count; a constant column keeps a std of 1.

    >>> input_statistics(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))[1].tolist()
    [1.0, 1.0]
    """
    x = inputs.double()
    if x.ndim == 4:
        dims: tuple[int, ...] = (0, 2, 3)
    else:
        dims = tuple(range(x.ndim - 1)) if x.ndim == 3 else (0,)
    known = torch.isfinite(x)
    count = known.sum(dims, keepdim=True).clamp(min=1)
    mean = torch.where(known, x, 0.0).sum(dims, keepdim=True) / count
    variance = torch.where(known, (x - mean) ** 2, 0.0).sum(dims, keepdim=True) / count
    std = variance.sqrt()
    std = torch.where(std < SMALLEST_STD * (1 + mean.abs()), torch.ones_like(std), std)
    shape = mean.shape[1:] if x.ndim > 1 else mean.shape
    return mean.reshape(shape).float(), std.reshape(shape).float()
