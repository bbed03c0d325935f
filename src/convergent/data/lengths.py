"""Batches of samples of like length, so that little of a step is spent on padding.

The buckets depend on the lengths alone and never on the epoch: so every epoch has the same number of batches, and any
of them is a function of (seed, epoch, index). Khomenko et al. 2016, https://arxiv.org/abs/1708.05604.

A sample of several sequences (a sentence and its translation) has a length for each of them, (N, K): a batch is as wide
as the longest of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convergent.data.order import generator_of_numbers
from convergent.types import Samples

Ints = npt.NDArray[np.int64]
GROWTH = 1.5
EVALUATION_TOKENS = 65_536


class Bucket(NamedTuple):
    """Samples of like length, and how many of them make a batch."""

    samples: Ints
    batch_size: int

    @property
    def num_batches(self) -> int:
        """Whole batches; the samples left over have their turn in another epoch."""
        return len(self.samples) // self.batch_size


def lengths_of(samples: Samples) -> Ints | None:
    """Return the tokens of each sample, (N) or of each of its sequences (N, K), where the samples tell, else None."""
    lengths = getattr(samples, "lengths", None)
    return None if lengths is None else np.asarray(lengths, dtype=np.int64)


def bounds(lengths_N: Ints) -> Ints:
    """Return the most tokens, padding counted, that each sample takes beside others that are no longer.

    >>> bounds(np.array([[3, 5], [2, 1]])).tolist()
    [10, 4]
    """
    return lengths_N if lengths_N.ndim == 1 else lengths_N.shape[1] * lengths_N.max(1)


def order_of(lengths_N: Ints) -> Ints:
    """Return the samples by length; of several sequences by the last, and within each of its lengths by the first.

    Every other time that goes down instead of up: so neighbours are alike in both, also where the last one grows.

    >>> order_of(np.array([[1, 2], [9, 2], [1, 3], [9, 3]])).tolist()
    [1, 0, 2, 3]
    """
    if lengths_N.ndim == 1:
        return np.argsort(lengths_N, kind="stable").astype(np.int64)
    first_N, last_N = lengths_N[:, 0], lengths_N[:, -1]
    return np.lexsort((np.where(last_N % 2, first_N, -first_N), last_N)).astype(np.int64)


def make_buckets(lengths_N: Ints, batch_size: int, token_budget: int | None) -> list[Bucket]:
    """Return the samples by length; a batch holds at most `batch_size` of them and `token_budget` tokens.

    A bucket ends where a sample is `GROWTH` times as long as the bucket's first, if it makes a whole batch by then.

    >>> buckets = make_buckets(np.array([1, 1, 9, 1, 1, 9]), batch_size=2, token_budget=9)
    >>> [(bucket.samples.tolist(), bucket.batch_size) for bucket in buckets]
    [([0, 1, 3, 4], 2), ([2, 5], 1)]
    """
    lengths_N = bounds(lengths_N)
    order_N = order_of(lengths_N)
    ordered_N = np.maximum(lengths_N[order_N], 1)
    buckets: list[Bucket] = []
    first = 0
    while first < len(order_N):
        last = int(np.searchsorted(ordered_N, int(ordered_N[first] * GROWTH) + 1, side="left"))
        last = max(last, min(first + _size(ordered_N[first], batch_size, token_budget), len(order_N)))
        if len(order_N) - last < _size(ordered_N[-1], batch_size, token_budget):
            last = len(order_N)
        buckets.append(_bucket(order_N[first:last], int(ordered_N[last - 1]), batch_size, token_budget))
        first = last
    return buckets


def _size(length: int, batch_size: int, token_budget: int | None) -> int:
    return batch_size if token_budget is None else max(1, min(batch_size, token_budget // int(length)))


def _bucket(samples: Ints, longest: int, batch_size: int, token_budget: int | None) -> Bucket:
    """Return a bucket whose batches are even, so that fewer samples are left over than there are batches."""
    size = _size(longest, batch_size, token_budget)
    num_batches = -(-len(samples) // size)
    return Bucket(samples, len(samples) // num_batches)


def epoch_batches(lengths_N: Ints, buckets: list[Bucket], seed: int, epoch: int) -> list[Ints]:
    """Return the batches of an epoch, each as the indices of its samples, buckets mixed.

    Chance says who is left over and who of equal length goes with whom; within a bucket the batches go by length too.
    """
    draw = generator_of_numbers(seed, "order", epoch)
    batches: list[Ints] = []
    for bucket in buckets:
        shuffled = draw.permutation(bucket.samples)
        whole = shuffled[: bucket.num_batches * bucket.batch_size]
        whole = whole[order_of(lengths_N[whole])]
        batches += list(whole.reshape(bucket.num_batches, bucket.batch_size))
    return [batches[place] for place in draw.permutation(len(batches))]


def padding_share(lengths_N: Ints, batches: list[Ints]) -> float:
    """Return the share of the batches' tokens that is padding.

    >>> padding_share(np.array([1, 2]), [np.array([0, 1])])
    0.25
    """
    real = sum(int(lengths_N[batch].sum()) for batch in batches)
    padded = sum(int(lengths_N[batch].max(0).sum()) * len(batch) for batch in batches)
    return 1 - real / max(1, padded)


def by_length(lengths_N: Ints, batch_size: int) -> Iterator[Ints]:
    """Yield all samples once in the order of their lengths, in batches of bounded size: what evaluation reads."""
    order_N = order_of(lengths_N)
    tokens_N = bounds(lengths_N)
    first = 0
    while first < len(order_N):
        last = min(first + batch_size, len(order_N))
        while last - first > 1 and int(tokens_N[order_N[first:last]].max()) * (last - first) > EVALUATION_TOKENS:
            last = first + (last - first) // 2
        yield order_N[first:last]
        first = last
