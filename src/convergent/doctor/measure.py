"""Scalar summaries of gradients, weights and activations, kept on the device and read back together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

BOUNDED = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
}
HISTOGRAM_BINS = 24
RECTIFIERS = frozenset({"relu", "relu6"})


class Pending:
    """Scalars that wait on the device; `read` brings all of them to the host in one transfer."""

    def __init__(self) -> None:
        self._scalars: list[Tensor] = []
        self._takers: list[Callable[[float], None]] = []

    def add(self, scalar: Tensor, taker: Callable[[float], None]) -> None:
        """Hand `taker` the value of `scalar` at the next reading."""
        self._scalars.append(scalar.detach().float().reshape(()))
        self._takers.append(taker)

    def read(self) -> None:
        """Read everything that waits."""
        by_device: dict[torch.device, list[int]] = {}
        for index, scalar in enumerate(self._scalars):
            by_device.setdefault(scalar.device, []).append(index)
        for indices in by_device.values():
            values = torch.stack([self._scalars[index] for index in indices]).tolist()
            for index, value in zip(indices, values, strict=True):
                self._takers[index](value)
        self._scalars, self._takers = [], []

    def __len__(self) -> int:
        return len(self._scalars)


@torch.no_grad()
def norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the Frobenius norm of each tensor, as scalars on its device.

    >>> [float(norm) for norm in norms([torch.ones(4), torch.zeros(2)])]
    [2.0, 0.0]
    """
    dense = [t.coalesce().values() if t.is_sparse else t for t in tensors]
    real = [torch.view_as_real(t) if t.is_complex() else t for t in dense]
    return list(torch._foreach_norm(real)) if real else []


@torch.no_grad()
def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return the norm of several tensors together from the norms of each."""
    whole: Tensor = torch.linalg.vector_norm(torch.stack([part.float() for part in parts]))
    return whole


@torch.no_grad()
def unit_rows(output: Tensor) -> Tensor:
    """Return an activation's output as (samples and positions, units): channels of images, last dimension otherwise.

    >>> unit_rows(torch.zeros(2, 3, 4, 4)).shape, unit_rows(torch.zeros(2, 7, 5)).shape
    (torch.Size([32, 3]), torch.Size([14, 5]))
    """
    if output.ndim >= 4:
        return output.movedim(1, -1).reshape(-1, output.shape[1])
    return output.reshape(-1, output.shape[-1]) if output.ndim >= 2 else output.reshape(-1, 1)


@torch.no_grad()
def histogram(output: Tensor, bins: int = HISTOGRAM_BINS) -> Tensor:
    """Return shares of values in equal bins from -m to m, and m, the largest absolute value: (bins + 1,).

    >>> histogram(torch.tensor([-1.0, 1.0, 1.0, 0.2]), 2).tolist()
    [0.25, 0.75, 1.0]
    """
    out = output.detach().float().flatten()
    end = out.abs().amax().clamp(min=1e-12)
    places = ((out / end + 1) / 2 * bins).long().clamp(0, bins - 1)
    counts = torch.zeros(bins, device=out.device).index_add_(0, places, torch.ones_like(out))
    return torch.cat([counts / counts.sum(), end[None]])


@torch.no_grad()
def dead_mask(output: Tensor) -> Tensor:
    """Return which units of a rectifier's output are zero for every sample, (units,)."""
    mask: Tensor = (unit_rows(output) == 0).all(0)
    return mask


@torch.no_grad()
def dead_share(masks: Sequence[Tensor], most: float = 0.95) -> Tensor:
    """Return which share of the units is dead on at least `most` of the batches that the masks are of.

    >>> float(dead_share([torch.tensor([True, True]), torch.tensor([True, False])]))
    0.5
    """
    return (torch.stack([mask.float() for mask in masks]).mean(0) >= most).float().mean()


@torch.no_grad()
def activation_summaries(kind: str, output: Tensor) -> dict[str, Tensor]:
    """Return zero_units, saturation, std and std_across_samples of one activation's output, as scalars.

    Saturation is rho_B of Rakitianskaia and Engelbrecht 2015 in the limit of many bins: the mean distance from the
    middle of the range, by half the range.
    """
    out = output.detach().float()
    zero = torch.zeros((), device=out.device)
    summaries = {"zero_units": zero, "saturation": zero}
    if kind in RECTIFIERS:
        summaries["zero_units"] = dead_mask(out).float().mean()
    if kind in BOUNDED:
        low, high = BOUNDED[kind]
        summaries["saturation"] = ((out - (low + high) / 2).abs() / ((high - low) / 2)).mean()
    summaries["std"] = out.std(unbiased=False)
    summaries["std_across_samples"] = out.std(0, unbiased=False).mean() if len(out) > 1 else zero
    return summaries
