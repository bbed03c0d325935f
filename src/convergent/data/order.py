"""Randomness as a function: every draw is determined by (seed, purpose, epoch, step), never by what ran before.

So a run that is killed and resumed makes the same draws as one that was not, with no generator state to store, and
with any number of loader workers.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor


def derived_seed(seed: int, purpose: str, *counters: int) -> int:
    """Return a 63-bit seed for one purpose at one point of the training.

    >>> derived_seed(0, "order", 1) == derived_seed(0, "order", 1) != derived_seed(0, "dropout", 1)
    True
    """
    text = f"{seed}/{purpose}/{counters}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def generator(seed: int, purpose: str, *counters: int) -> torch.Generator:
    """Return a CPU generator at the start of its own stream."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, *counters))


def generator_of_numbers(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """Return numpy's generator at the start of its own stream."""
    return np.random.default_rng(derived_seed(seed, purpose, *counters))


def epoch_order(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    """Return the permutation of the samples in that epoch, int64 of shape (num_samples,).

    >>> sorted(epoch_order(0, 3, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    order: Tensor = torch.randperm(num_samples, generator=generator(seed, "order", epoch))
    return order.numpy()
