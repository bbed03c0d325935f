"""Whether the replicas of a model in several processes still have the same weights.

TrainCheck (Jiang et al. 2025, https://arxiv.org/abs/2506.14813): replicas that drift apart are silent. Each process
leaves a hash of its weights in the job's key-value store after a few steps, and reads those of the others at later
looks and at the end, as far as they are there by then: no process ever waits for another.
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
        self._waiting: list[int] = []
        self._store: Any = None
        self._ranks = 0

    def after_step(self, model: nn.Module, step: int) -> None:
        """Leave a hash after some steps, where several processes train and each holds all of the model."""
        if step not in LOOKS or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
            return
        if any(type(parameter).__name__ == "DTensor" or not parameter.numel() for parameter in model.parameters()):
            return  # sharded: each holds a part of its own
        self._store, self._ranks = dist.distributed_c10d._get_default_store(), dist.get_world_size()
        self._read()
        self._store.set(self._key(step, dist.get_rank()), str(weights_hash(model)))
        self._waiting.append(step)

    def finish(self) -> None:
        """Read what the others have left since the last look, where the job or its file is still there."""
        if self._store is not None and (dist.is_initialized() or _is_file(self._store)):
            self._read()

    def _read(self) -> None:
        """Read the hashes after the last step that all have left one for."""
        for place, step in reversed(list(enumerate(self._waiting))):
            keys = [self._key(step, rank) for rank in range(self._ranks)]
            if self._store.check(keys):
                self.hashes = [int(self._store.get(key)) for key in keys]
                del self._waiting[: place + 1]
                return

    def _key(self, step: int, rank: int) -> str:
        return f"convergent/{self._number}/{step}/{rank}"


def _is_file(store: Any) -> bool:
    """Return whether a store is a file, which outlives the job."""
    while type(store).__name__ == "PrefixStore":
        store = store.underlying_store
    return type(store).__name__ == "FileStore"
