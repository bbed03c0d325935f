"""Keeps a bounded part of the samples that a training sees, each once, until its first epoch is over."""

from __future__ import annotations

import torch
from torch import Tensor

from convergent.doctor.record import SampleSet

MOST_SAMPLES = 8192
MOST_BYTES = 8 * 2**20
MOST_HASHES = 200_000


def hash_samples(inputs: Tensor) -> list[int]:
    """Return one number a sample, equal for equal samples of this process.

    >>> first, second, third = hash_samples(torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]]))
    >>> first == second, first == third
    (True, False)
    """
    if inputs.is_complex() or inputs.is_sparse or inputs.is_quantized or not len(inputs):
        return []
    rows = inputs.detach().contiguous().reshape(len(inputs), -1).cpu()
    data = rows.view(torch.uint8).numpy() if rows.dtype != torch.bool else rows.numpy()
    return [hash(row.tobytes()) for row in data]


class Collector:
    """Takes batches in the order of training; it is closed when samples come again or the budget is spent."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.inputs: list[Tensor] = []
        self.targets: list[Tensor] = []
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
        self._bytes_left = most_bytes

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

    def keep(self, inputs: Tensor, targets: Tensor | None, hashes: list[int]) -> None:
        """Keep a copy of a batch, as far as the budget goes."""
        size = inputs.numel() * inputs.element_size()
        if not self.open or size > self._bytes_left or sum(self.sizes) + len(inputs) > MOST_SAMPLES:
            return
        if self.inputs and inputs.shape[1:] != self.inputs[0].shape[1:]:
            return
        if targets is not None and self.targets and targets.shape[1:] != self.targets[0].shape[1:]:
            return
        self._bytes_left -= size
        self.inputs.append(inputs.detach().clone())
        if targets is not None:
            self.targets.append(targets.detach().clone())
        self.sizes.append(len(inputs))
        self.kept_hashes += hashes

    def sample_set(self) -> SampleSet | None:
        """Return what was kept; None where there is nothing."""
        if not self.inputs:
            return None
        inputs = torch.cat(self.inputs).cpu()
        targets = torch.cat(self.targets).cpu() if len(self.targets) == len(self.inputs) else None
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
