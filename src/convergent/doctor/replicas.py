"""Whether the replicas of a model in several processes still have the same weights.

TrainCheck (Jiang et al. 2025, https://arxiv.org/abs/2506.14813): replicas that drift apart are silent. Each process
leaves a hash of its weights in the job's key-value store after a few steps, and reads those of the others at the next
look, if they are there by then: no process ever waits for another.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

LOOKS = frozenset(4**power for power in range(1, 12))
DIGITS = 15


def weights_hash(model: nn.Module) -> int:
    """Return a number that is equal for equal weights, in any process.

    >>> net = nn.Linear(2, 2); weights_hash(net) == weights_hash(net)
    True
    """
    digest = hashlib.blake2b(digest_size=8)
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return int(digest.hexdigest()[:DIGITS], 16)


class Replicas:
    """Compares the weights of one model over the processes of a job; `hashes` are the last that were all there."""

    def __init__(self, number: int) -> None:
        self.hashes: list[int] = []
        self._number = number
        self._waiting: int | None = None

    def after_step(self, model: nn.Module, step: int) -> None:
        """Leave a hash after some steps, where several processes train and each holds all of the model."""
        if step not in LOOKS or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
            return
        if any(type(parameter).__name__ == "DTensor" or not parameter.numel() for parameter in model.parameters()):
            return  # sharded: each holds a part of its own
        store = dist.distributed_c10d._get_default_store()
        self._read(store)
        store.set(self._key(step, dist.get_rank()), str(weights_hash(model)))
        self._waiting = step

    def _read(self, store: Any) -> None:
        keys = [self._key(self._waiting, rank) for rank in range(dist.get_world_size())]
        if self._waiting is not None and store.check(keys):
            self.hashes = [int(store.get(key)) for key in keys]

    def _key(self, step: int | None, rank: int) -> str:
        return f"convergent/{self._number}/{step}/{rank}"
