"""Keeps a bounded part of the samples that a training sees, each once, until its first epoch is over."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from convergent.doctor.hashes import row_hashes
from convergent.doctor.readings import READ_EVERY
from convergent.doctor.record import SampleSet

MOST_SAMPLES = 8192
MOST_BYTES = 4 * 2**20
MOST_HASHES = 200_000
MOST_WAITING = 2**17
EQUAL_IN_A_ROW = 16
WIDTH = 128
"""Tokens to which texts are filled up or cut, once batches of several lengths have come."""
MOST_COUNTED, MOST_DRAWN = 2**14, 2**17
"""Samples whose coming is counted, and how many may be drawn before the first evaluation."""
TIMES, EVENLY = 1.9, 0.25
"""How often every sample came on average, and the variance of that by its mean: draws with replacement have 0.5."""


class Taken(NamedTuple):
    """A batch whose hashes wait on the device."""

    step: int
    samples: int
    hashed: int
    kept: bool


class Rows:
    """Samples of one shape in memory that is taken once: clones among a step's large tensors would fragment it."""

    def __init__(self, like: Tensor, most_bytes: int) -> None:
        # Three digits are enough for pictures and series; columns of a table keep all of theirs.
        self._dtype = torch.bfloat16 if like.dtype == torch.float32 and like.ndim >= 3 else like.dtype
        size = max(1, like[0].numel() * self._dtype.itemsize)
        room = min(MOST_SAMPLES, most_bytes // size)
        self._buffer = torch.empty((room, *like.shape[1:]), dtype=self._dtype, device=like.device)
        self._like, self._count, self._most_bytes = like.dtype, 0, most_bytes

    def is_like(self, more: Tensor) -> bool:
        """Return whether these samples have the shape and type of those that are kept."""
        kept = self._buffer
        return more.shape[1:] == kept.shape[1:] and more.dtype == self._like and more.device == kept.device

    def has_room(self, more: Tensor) -> bool:
        """Return whether so many samples fit in."""
        return self._count + len(more) <= len(self._buffer)

    def of_one_width(self, tokens: Tensor) -> Tensor:
        """Return ids (B, T) in the width of those that are kept, which becomes `WIDTH` where they differ at first."""
        width = self._buffer.shape[1]
        if tokens.shape[1] == width:
            return tokens
        if width != WIDTH:
            wide = Rows(_of_width(tokens[:1]), self._most_bytes)
            if self._count > len(wide._buffer):
                return tokens  # what is kept does not fit in: samples of this width are left out
            wide.add(_of_width(self._buffer[: self._count]))
            self._buffer, self._count = wide._buffer, wide._count
        return _of_width(tokens)

    def add(self, more: Tensor) -> None:
        """Copy samples in."""
        self._buffer[self._count : self._count + len(more)].copy_(more.detach())
        self._count += len(more)

    def give_back(self, samples: int) -> None:
        """Forget the last samples."""
        self._count -= samples

    def all(self) -> Tensor:
        """Return what was kept, on the host; what is there already is not copied."""
        return self._buffer[: self._count].cpu()


def _of_width(tokens: Tensor) -> Tensor:
    return F.pad(tokens[:, :WIDTH], (0, max(0, WIDTH - tokens.shape[1])))


class Collector:
    """Takes batches in the order of training; it is closed when samples come again or the budget is spent.

    Samples are told by hashes, which wait on the device: `read` judges all that wait, and undoes what was kept of
    batches that came after the first epoch.
    """

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
        self.counts: dict[int, int] | None = {}
        """How often each sample came before the first evaluation; None where that is over."""
        self.times = 1.0
        self.drawn = 0
        self._previous: list[int] = []
        self._previous_step = -1
        self._last_step = -1
        self._equal_in_a_row = 0
        self._full = False
        self._most_bytes = most_bytes
        self._waiting: list[Taken] = []
        self._hashes: Tensor | None = None
        self._used = 0

    @property
    def looks(self) -> bool:
        """Whether batches are still looked at."""
        return self.open or (self.with_replacement and self.counts is not None)

    def end_pass(self) -> None:
        """The first evaluation begins: where every sample came equally often, so often it stands in the data."""
        if self.counts is None:
            return
        self.read()
        numbers = torch.tensor(list((self.counts or {}).values()), dtype=torch.float64)
        self.counts = None
        if not self.with_replacement or len(numbers) < 2:
            return
        mean = float(numbers.mean())
        if mean > TIMES and float(numbers.var()) < EVENLY * mean:
            self.times, self.with_replacement = mean, False

    @property
    def has_room(self) -> bool:
        """Whether samples and their targets are still wanted."""
        return self.open and not self._full

    def reserve(self, inputs: Tensor) -> None:
        """Take memory for samples like these, once; best before a step's large tensors are there."""
        if not len(inputs):
            return
        if self._inputs is None:
            self._inputs = Rows(inputs, self._most_bytes)
        if self._hashes is None:
            room = max(len(inputs), min(READ_EVERY * len(inputs), MOST_WAITING))
            self._hashes = torch.empty(room, dtype=torch.long, device=inputs.device)

    def take(self, inputs: Tensor, targets: Tensor | None, step: int) -> None:
        """Keep a copy of a training batch as far as the budget goes, and its hashes."""
        if not self.looks or not len(inputs):
            return
        self.reserve(inputs)
        hashes = row_hashes(inputs)
        self._put(hashes)
        if not self.open:
            if self.looks:
                self._waiting.append(Taken(step, 0, len(hashes), False))
            return
        aligned = align(inputs, targets) if targets is not None else None
        kept = self._keep(*(aligned or (inputs, None)))
        self._waiting.append(Taken(step, self.sizes[-1] if kept else 0, len(hashes), kept))

    def _put(self, hashes: Tensor) -> None:
        """Copy hashes to those that wait; only batches of very many samples are read before `read` is due."""
        assert self._hashes is not None
        if self._used + len(hashes) > len(self._hashes) or self._hashes.device != hashes.device:
            self.read()
            if len(hashes) > len(self._hashes) or self._hashes.device != hashes.device:
                self._hashes = torch.empty_like(hashes)
        self._hashes[self._used : self._used + len(hashes)].copy_(hashes)
        self._used += len(hashes)

    def _keep(self, inputs: Tensor, targets: Tensor | None) -> bool:
        """Keep a copy of a batch, and return whether it fitted in."""
        assert self._inputs is not None
        if not self.sizes:
            self._targets = Rows(targets, self._most_bytes) if targets is not None else None
        if (targets is None) != (self._targets is None):
            return False
        if inputs.ndim == 2 and inputs.dtype == torch.long and (targets is None or targets.ndim == 1):
            inputs = self._inputs.of_one_width(inputs)  # texts of a batch are filled up to its longest
        parts = [(self._inputs, inputs)]
        if targets is not None and self._targets is not None:
            parts.append((self._targets, targets))
        if not all(rows.is_like(more) for rows, more in parts):
            return False
        if not all(rows.has_room(more) for rows, more in parts):
            self._full = True
            return False
        for rows, more in parts:
            rows.add(more)
        self.sizes.append(len(inputs))
        return True

    def read(self) -> None:
        """Judge the batches whose hashes wait, in one transfer."""
        if not self._waiting:
            self._used = 0
            return
        assert self._hashes is not None
        values: list[int] = self._hashes[: self._used].tolist()
        waiting, self._waiting, self._used = self._waiting, [], 0
        start = 0
        for batch in waiting:
            hashes = values[start : start + batch.hashed]
            start += batch.hashed
            if self.counts is not None:
                self._count_all(hashes, self.counts)
            if self.open:
                self._judge(hashes, batch.step)
            if batch.kept and self.open:
                self.kept_hashes += hashes
            elif batch.kept:
                self._give_back(batch.samples)

    def _count_all(self, hashes: list[int], counts: dict[int, int]) -> None:
        for value in hashes:
            counts[value] = counts.get(value, 0) + 1
        self.drawn += len(hashes)
        if len(counts) > MOST_COUNTED or self.drawn > MOST_DRAWN:
            self.counts = None

    def _judge(self, hashes: list[int], step: int) -> None:
        """Notice where a batch is that before, and where the first epoch ends."""
        if hashes and hashes == self._previous and len(set(hashes)) > 1:
            # A closure that is called again, and training on all data at once, repeat a batch on purpose.
            self.equal_batches += step != self._previous_step and self.batches > 1
            self._equal_in_a_row += step != self._last_step
            self._last_step, self.open = step, self._equal_in_a_row < EQUAL_IN_A_ROW
            return
        self._previous, self._previous_step, self._last_step, self._equal_in_a_row = hashes, step, step, 0
        again = sum(value in self.seen for value in hashes)
        if hashes and again > 0.5 * len(hashes) and len(self.seen) > len(hashes):
            # An epoch ends at once; draws with replacement, and the same short texts, come again little by little.
            self.with_replacement |= again < 0.9 * len(hashes)
            if again >= 0.9 * len(hashes):
                self.steps_per_epoch = self.batches
                self.open = False
                return
        self.repeated += again
        self.seen.update(hashes)
        self.batches += 1
        self.open = len(self.seen) <= MOST_HASHES

    def _give_back(self, samples: int) -> None:
        """Forget the last batch that was kept; those after it are forgotten too."""
        self.sizes.pop()
        for rows in (self._inputs, self._targets):
            if rows is not None:
                rows.give_back(samples)

    def sample_set(self) -> SampleSet | None:
        """Return what was kept, in the precision in which it was; None where there is nothing."""
        if self._inputs is None or not self.sizes:
            return None
        inputs, targets = self._inputs.all(), self._targets.all() if self._targets is not None else None
        whole = self.steps_per_epoch is not None and self.steps_per_epoch == len(self.sizes)
        hashes = self.kept_hashes if len(self.kept_hashes) == len(inputs) else []
        total = len(self.seen) + self.repeated if self.steps_per_epoch is not None else None
        return SampleSet(inputs, targets, list(self.sizes), hashes, whole, total, self.with_replacement, self.times)


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
