"""Keeps a bounded part of the samples that a training sees, each once, until its first epoch is over."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from convergent.doctor.record import SampleSet

MOST_SAMPLES = 8192
MOST_BYTES = 4 * 2**20
MOST_HASHES = 200_000


def hash_samples(inputs: Tensor) -> list[int]:
    """Return one number a sample, equal for equal samples, in any process: a checkpoint holds them.

    >>> first, second, third = hash_samples(torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]]))
    >>> first == second, first == third
    (True, False)
    """
    if inputs.is_complex() or inputs.is_sparse or inputs.is_quantized or not len(inputs):
        return []
    rows = inputs.detach().contiguous().reshape(len(inputs), -1).cpu()
    data = rows.view(torch.uint8).numpy() if rows.dtype != torch.bool else rows.numpy()
    return [_digest(row.tobytes()) for row in data]


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)


class Rows:
    """Samples of one shape in memory that is taken once: clones among a step's large tensors would fragment it."""

    def __init__(self, like: Tensor, most_bytes: int) -> None:
        # Three digits are enough for pictures and series; columns of a table keep all of theirs.
        self._dtype = torch.bfloat16 if like.dtype == torch.float32 and like.ndim >= 3 else like.dtype
        size = max(1, like[0].numel() * self._dtype.itemsize)
        room = min(MOST_SAMPLES, most_bytes // size)
        self._buffer = torch.empty((room, *like.shape[1:]), dtype=self._dtype, device=like.device)
        self._like, self._count = like.dtype, 0

    def is_like(self, more: Tensor) -> bool:
        """Return whether these samples have the shape and type of those that are kept."""
        kept = self._buffer
        return more.shape[1:] == kept.shape[1:] and more.dtype == self._like and more.device == kept.device

    def has_room(self, more: Tensor) -> bool:
        """Return whether so many samples fit in."""
        return self._count + len(more) <= len(self._buffer)

    def add(self, more: Tensor) -> None:
        """Copy samples in."""
        self._buffer[self._count : self._count + len(more)].copy_(more.detach())
        self._count += len(more)

    def all(self) -> Tensor:
        """Return what was kept, on the host."""
        return self._buffer[: self._count].cpu().to(self._like)


class Collector:
    """Takes batches in the order of training; it is closed when samples come again or the budget is spent."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._inputs: Rows | None = None
        self._targets: Rows | None = None
        self.sizes: list[int] = []
        self.kept_hashes: list[int] = []
        self.seen: set[int] = set()
        self.steps_per_epoch: int | None = None
        self.batches = 0
        self.open = True
        self.repeated = 0
        self.equal_batches = 0
        self.with_replacement = False
        self._previous: list[int] = []
        self._previous_step = -1
        self._full = False
        self._most_bytes = most_bytes

    @property
    def has_room(self) -> bool:
        """Whether samples and their targets are still wanted."""
        return self.open and not self._full

    def see(self, inputs: Tensor, step: int) -> list[int]:
        """Hash a training batch; notice where the first epoch ends."""
        hashes = hash_samples(inputs)
        if hashes and hashes == self._previous and len(set(hashes)) > 1:
            # A closure that is called again, and training on all data at once, repeat a batch on purpose.
            self.equal_batches += step != self._previous_step and self.batches > 1
            return hashes
        self._previous, self._previous_step = hashes, step
        again = sum(value in self.seen for value in hashes)
        if hashes and again > 0.5 * len(hashes) and len(self.seen) > len(hashes):
            # Tiny domains (a handful of distinct inputs) repeat within an epoch: no boundary can be told there.
            self.steps_per_epoch = self.batches
            self.open = False
            # An epoch ends at once; draws with replacement come again little by little.
            self.with_replacement = again < 0.9 * len(hashes)
            return []
        self.repeated += again
        self.seen.update(hashes)
        self.batches += 1
        if len(self.seen) > MOST_HASHES:
            self.open = False
        return hashes

    def reserve(self, inputs: Tensor) -> None:
        """Take memory for samples like these, once; best before a step's large tensors are there."""
        if self._inputs is None and len(inputs):
            self._inputs = Rows(inputs, self._most_bytes)

    def keep(self, inputs: Tensor, targets: Tensor | None, hashes: list[int]) -> None:
        """Keep a copy of a batch, as far as the budget goes."""
        if not self.open:
            return
        self.reserve(inputs)
        assert self._inputs is not None
        if not self.sizes:
            self._targets = Rows(targets, self._most_bytes) if targets is not None else None
        if (targets is None) != (self._targets is None):
            return
        parts = [(self._inputs, inputs)]
        if targets is not None and self._targets is not None:
            parts.append((self._targets, targets))
        if not all(rows.is_like(more) for rows, more in parts):
            return
        if not all(rows.has_room(more) for rows, more in parts):
            self._full = True
            return
        for rows, more in parts:
            rows.add(more)
        self.sizes.append(len(inputs))
        self.kept_hashes += hashes

    def sample_set(self) -> SampleSet | None:
        """Return what was kept; None where there is nothing."""
        if self._inputs is None or not self.sizes:
            return None
        inputs, targets = self._inputs.all(), self._targets.all() if self._targets is not None else None
        whole = self.steps_per_epoch is not None and self.steps_per_epoch == len(self.sizes)
        hashes = self.kept_hashes if len(self.kept_hashes) == len(inputs) else []
        total = len(self.seen) + self.repeated if self.steps_per_epoch is not None else None
        return SampleSet(inputs, targets, list(self.sizes), hashes, whole, total, self.with_replacement)


def align(inputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return inputs and targets with samples in the first dimension of both; None where they do not fit."""
    if target.ndim == 0:
        return None
    if len(target) == len(inputs):
        return inputs, target
    if inputs.ndim >= 2 and inputs.shape[1] == len(target):
        return inputs.transpose(0, 1), target
    if len(inputs) and len(target) % len(inputs) == 0:
        return inputs, target.reshape(len(inputs), -1, *target.shape[1:])
    return None
