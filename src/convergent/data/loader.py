"""Batches of the training split, as a function of (seed, epoch, index): any one can be had without those before.

What lies decoded in memory is gathered many batches at a time, for one look-up costs as much as a small network's
step. What must be decoded goes through torch's DataLoader, whose workers need no state.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convergent.data.lengths import by_length, epoch_batches, lengths_of, make_buckets, padding_share
from convergent.data.order import epoch_order
from convergent.types import Batch, EpochSamples, Samples

CHUNK_BYTES = 16 * 2**20
CHUNK_BATCHES = 64


class TrainingBatches:
    """The endless sequence of training batches; step s is batch s % steps_per_epoch of epoch s // steps_per_epoch.

    An epoch is a new permutation; the samples left over when it is cut into batches have their turn in another epoch.
    Where the samples differ in length, a batch holds those of like length, at most `batch_size` of them and
    `token_budget` tokens.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int,
        seed: int,
        device: torch.device,
        workers: int | None = None,
        token_budget: int | None = None,
    ) -> None:
        self.samples, self.seed, self.device = samples, seed, device
        self.batch_size = min(batch_size, len(samples))
        self.workers = workers if workers is not None else 0
        lengths_N = lengths_of(samples) if self.batch_size < len(samples) else None
        self.lengths_N = lengths_N
        self.buckets = None if lengths_N is None else make_buckets(lengths_N, self.batch_size, token_budget)
        self.steps_per_epoch = len(samples) // self.batch_size
        if self.buckets is not None:
            self.steps_per_epoch = sum(bucket.num_batches for bucket in self.buckets)
        self._epoch: tuple[int, list[np.ndarray]] | None = None

    @property
    def samples_per_epoch(self) -> int:
        """How many samples an epoch's batches hold."""
        if self.buckets is None:
            return self.steps_per_epoch * self.batch_size
        return sum(bucket.num_batches * bucket.batch_size for bucket in self.buckets)

    def indices(self, epoch: int, first: int, last: int) -> np.ndarray:
        """Return the sample indices of the batches `first` to `last` (exclusive) of an epoch, end to end."""
        if self.buckets is not None:
            return np.concatenate(self._batches_of(epoch)[first:last])
        order = epoch_order(self.seed, epoch, len(self.samples))
        return order[first * self.batch_size : last * self.batch_size]

    def _batches_of(self, epoch: int) -> list[np.ndarray]:
        assert self.buckets is not None and self.lengths_N is not None
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, list(epoch_batches(self.lengths_N, self.buckets, self.seed, epoch)))
        return self._epoch[1]

    def of_epoch(self, epoch: int) -> Samples:
        """Return the samples as that epoch sees them."""
        samples = self.samples
        return samples.of_epoch(self.seed, epoch) if isinstance(samples, EpochSamples) else samples

    def padding(self) -> tuple[float, float] | None:
        """Return the share of padding in the first epoch, and what it were without buckets; None without lengths."""
        if self.buckets is None or self.lengths_N is None:
            return None
        order = epoch_order(self.seed, 0, len(self.samples))
        plain = [order[first : first + self.batch_size] for first in range(0, len(order), self.batch_size)]
        return padding_share(self.lengths_N, self._batches_of(0)), padding_share(self.lengths_N, plain)

    def from_step(self, step: int) -> Iterator[tuple[int, Batch]]:
        """Yield (epoch, batch on the device) for ever, starting with that of `step`."""
        direct = self.samples.decoded and self.workers == 0
        for epoch, batch in self._gathered(step) if direct else self._loaded(step):
            yield epoch, to_device(batch, self.device)

    def _chunk_size(self) -> int:
        if self.buckets is not None:
            return 1
        one = self.samples.batch(np.arange(self.batch_size))
        size = sum(tensor.numel() * tensor.element_size() for tensor in (*one.inputs, one.targets))
        return max(1, min(CHUNK_BATCHES, CHUNK_BYTES // max(1, size), self.steps_per_epoch))

    def _gathered(self, step: int) -> Iterator[tuple[int, Batch]]:
        chunk = self._chunk_size()
        epoch, index = divmod(step, self.steps_per_epoch)
        while True:
            while index < self.steps_per_epoch:
                last = min(index + chunk, self.steps_per_epoch)
                several = self.of_epoch(epoch).batch(self.indices(epoch, index, last))
                for batch in _cut(several, self.batch_size) if self.buckets is None else (several,):
                    yield epoch, batch
                index = last
            epoch, index = epoch + 1, 0

    def _loaded(self, step: int) -> Iterator[tuple[int, Batch]]:
        loader = DataLoader(
            _BatchDataset(self, step),
            batch_size=None,
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=4 if self.workers else None,
        )
        while True:
            for batch in loader:
                yield step // self.steps_per_epoch, batch
                step += 1
            loader = DataLoader(_BatchDataset(self, step), batch_size=None, num_workers=self.workers)


class _BatchDataset(Dataset[Batch]):
    """The batches from one step to the end of a block, as a map-style dataset for torch's workers."""

    BLOCK = 2**31

    def __init__(self, batches: TrainingBatches, first: int) -> None:
        self.batches, self.first = batches, first

    def __len__(self) -> int:
        return self.BLOCK

    def __getitem__(self, offset: int) -> Batch:
        epoch, index = divmod(self.first + offset, self.batches.steps_per_epoch)
        return self.batches.of_epoch(epoch).batch(self.batches.indices(epoch, index, index + 1))


def _cut(several: Batch, batch_size: int) -> Iterator[Batch]:
    inputs = zip(*(tensor.split(batch_size) for tensor in several.inputs), strict=True)
    for parts, targets in zip(inputs, several.targets.split(batch_size), strict=True):
        yield Batch(parts, targets)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Return the batch on the device; copies to a GPU do not wait."""
    if device.type == "cpu":
        return batch

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device, non_blocking=True)

    return Batch(tuple(move(tensor) for tensor in batch.inputs), move(batch.targets))


def all_once(samples: Samples, batch_size: int, device: torch.device) -> Iterator[tuple[np.ndarray, Batch]]:
    """Yield (indices, batch) of all samples once: in their order, or by length where they differ in it."""
    lengths_N = lengths_of(samples)
    if lengths_N is not None:
        places = by_length(lengths_N, batch_size)
    else:
        starts = range(0, len(samples), batch_size)
        places = (np.arange(start, min(start + batch_size, len(samples))) for start in starts)
    for indices in places:
        yield indices, to_device(samples.batch(indices), device)
