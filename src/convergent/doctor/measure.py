"""Scalar summaries of gradients, weights and activations, kept on the device and read back together."""

from __future__ import annotations

import math
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
MOST_VALUES = 2**16
RECTIFIERS = frozenset({"relu", "relu6"})


class Pool:
    """Small pieces of one piece of memory that is taken before a step's large tensors are there."""

    def __init__(self, device: torch.device, room: int = 2**18) -> None:
        self._memory = torch.empty(room, device=device)
        self._used = 0

    def take(self, *shape: int) -> Tensor | None:
        """Return memory for a tensor of this shape; None where the pool is used up."""
        size = math.prod(shape)
        if self._used + size > len(self._memory):
            return None
        self._used += size
        return self._memory[self._used - size : self._used].view(shape)


class Pending:
    """Scalars that wait on the device; `read` brings all of them to the host in one transfer.

    They wait in memory that is taken once, for `room` of them: many small tensors left among a step's large ones would
    fragment it. Where they are more, it doubles.
    """

    def __init__(self, room: int = 8192) -> None:
        self._room = room
        self._buffers: dict[torch.device, Tensor] = {}
        # As long as the buffer from the start: a list that grows in the midst of a step is moved among its tensors.
        self._takers: dict[torch.device, list[tuple[int, Callable[[list[float]], None]] | None]] = {}
        self._used: dict[torch.device, int] = {}

    def add(self, scalar: Tensor, taker: Callable[[float], None]) -> None:
        """Hand `taker` the value of `scalar` at the next reading."""
        self._place(1, scalar.device, lambda values: taker(values[0])).copy_(scalar.detach().reshape(1))

    def add_all(self, scalars: Sequence[Tensor], taker: Callable[[list[float]], None]) -> None:
        """Hand `taker` the values of all these scalars together at the next reading."""
        if not scalars:
            return
        home = scalars[0].device
        values = torch.stack([s if s.device == home else s.to(home) for s in scalars])
        self._place(len(values), home, taker).copy_(values)

    def _place(self, count: int, device: torch.device, taker: Callable[[list[float]], None]) -> Tensor:
        """Return the memory for so many scalars."""
        self.prepare(device)
        start = self._used[device]
        while start + count > len(self._buffers[device]):
            buffer, takers = self._buffers[device], self._takers[device]
            self._buffers[device] = torch.cat([buffer, torch.empty_like(buffer)])
            takers += [None] * len(takers)
        self._takers[device][start] = (count, taker)
        self._used[device] = start + count
        return self._buffers[device][start : start + count]

    def prepare(self, device: torch.device) -> None:
        """Take the memory, if that has not been done."""
        if device not in self._buffers:
            self._buffers[device] = torch.empty(self._room, device=device)
            self._takers[device], self._used[device] = [None] * self._room, 0

    def read(self) -> None:
        """Read everything that waits."""
        for device, takers in self._takers.items():
            used, self._used[device] = self._used[device], 0
            if not used:
                continue
            waiting, takers[:used] = takers[:used], [None] * used
            values = self._buffers[device][:used].tolist()
            for start, entry in enumerate(waiting):
                if entry is not None:
                    count, taker = entry
                    taker(values[start : start + count])

    def __len__(self) -> int:
        return sum(self._used.values())


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


def first_samples(output: Tensor, most: int = MOST_VALUES) -> Tensor:
    """Return the first samples of a batch: as many as hold `most` values, or 64 rows of units and at least 4.

    >>> first_samples(torch.zeros(128, 1000), 20_000).shape, first_samples(torch.zeros(64, 8, 32, 32), 20_000).shape
    (torch.Size([64, 1000]), torch.Size([4, 8, 32, 32]))
    """
    size = max(1, output[0].numel())
    rows = size // (output.shape[1] if output.ndim >= 4 else output.shape[-1])
    return output[: max(4, 64 // max(1, rows), most // size)]


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
    """Return which units of a rectifier's output are zero for every sample, (units,).

    Units are the channels of images, the last dimension otherwise.

    >>> dead_mask(torch.zeros(2, 3, 4, 4)).shape, dead_mask(torch.tensor([[0.0, 1.0], [0.0, 0.0]])).tolist()
    (torch.Size([3]), [True, False])
    """
    units = 1 if output.ndim >= 4 else output.ndim - 1
    largest = output.detach().amax([d for d in range(output.ndim) if d != units])
    return largest == 0  # what it gives is never negative


@torch.no_grad()
def dead_share(masks_SU: Tensor, most: float = 0.95) -> Tensor:
    """Return which share of the units U is dead on at least `most` of the steps S.

    >>> dead_share(torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    tensor(0.5000)
    """
    return (masks_SU.mean(0) >= most).float().mean()


@torch.no_grad()
def activation_summaries(kind: str, output: Tensor) -> dict[str, Tensor]:
    """Return those of zero_units, saturation, std and std_across_samples that one activation's output has, as scalars.

    Saturation is rho_B of Rakitianskaia and Engelbrecht 2015 in the limit of many bins: the mean distance from the
    middle of the range, by half the range.
    """
    out = output.detach().float()
    summaries = {"std": (out - out.mean()).pow_(2).mean().sqrt()}  # torch's own `std` takes ten times as long
    if kind in BOUNDED:
        low, high = BOUNDED[kind]
        summaries["saturation"] = ((out - (low + high) / 2).abs() / ((high - low) / 2)).mean()
    if len(out) > 1:
        summaries["std_across_samples"] = std_across(out)
    return summaries


@torch.no_grad()
def std_across(out: Tensor) -> Tensor:
    """Return the mean over components of the standard deviation across samples, of (samples, ...).

    >>> float(std_across(torch.tensor([[0.0, 1.0], [2.0, 1.0]])))
    0.5
    """
    return (out - out.mean(0)).pow_(2).mean(0).sqrt_().mean()
