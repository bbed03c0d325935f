"""The last batches that were trained on, for the experiments, in memory that is taken once and used again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from convergent.doctor.steps import copy_into, first_tensor, own_copy

MOST_BATCHES = 8
MOST_BYTES = 4 * 2**20
Call = tuple[tuple[Any, ...], dict[str, Any]]
Batch = tuple[tuple[Any, ...], dict[str, Any], list[Tensor]]


class Ring:
    """A few batches: what the model was called with, and what came to its loss from outside."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._most = 0
        self._spare: list[tuple[Call, list[Tensor] | None]] = []

    def copy(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """Return a copy of a call in memory of the ring; None where it is too large. `keep` makes it stay."""
        size = sum(t.numel() * t.element_size() for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor))
        self._most = self._most or min(MOST_BATCHES, max(1, MOST_BYTES // max(1, size)))
        if size * self._most > MOST_BYTES and self.batches:
            return None
        if not self.batches and not self._spare:
            # Taken before the first step's large tensors: in their midst it would keep them from being used again.
            self._spare = [(own_copy((args, kwargs)), None) for _ in range(self._most + 1)]
        call: Call = copy_into(self._spare[-1][0] if self._spare else None, (args, kwargs))
        return call

    def spread(self) -> float | None:
        """Return the standard deviation of all numbers of the first input; None where they are no real numbers."""
        inputs = [first_tensor(args, kwargs) for args, kwargs, _ in self.batches]
        numbers = [one.float().flatten() for one in inputs if one is not None and one.is_floating_point()]
        return float(torch.cat(numbers).std()) if numbers else None

    def classes(self) -> Tensor | None:
        """Return the class numbers that the loss got, one a sample; None where there are none, or of several kinds."""
        found = [[one for one in outside if _are_classes(one)] for _, _, outside in self.batches]
        if not found or any(len(each) != 1 for each in found):
            return None
        return torch.cat([each[0].detach().cpu() for each in found])

    def scale_of(self, places: Sequence[int]) -> tuple[float, float] | None:
        """Return (mean, standard deviation) of the first of these tensors from outside with one number a sample."""
        numbers = next((one for place in places if (one := self._numbers(place)) is not None and len(one) > 1), None)
        return (float(numbers.mean()), float(numbers.std())) if numbers is not None else None

    def _numbers(self, place: int) -> Tensor | None:
        found = [outside[place].detach() for _, _, outside in self.batches if place < len(outside)]
        if not found or any(not one.is_floating_point() or not one.ndim or one.numel() != len(one) for one in found):
            return None
        return torch.cat([one.reshape(-1).float().cpu() for one in found])

    def broken(self) -> tuple[int, int]:
        """Return how many samples bring numbers that are not finite, and how many there are.

        Where most samples of a tensor are broken it comes from a network that is, not from the data.
        """
        bad = of = 0
        for args, kwargs, outside in self.batches:
            leaves = pytree.tree_leaves((args, kwargs, outside))
            numbers = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.ndim]
            size = max((len(one) for one in numbers), default=0)
            rows = [~torch.isfinite(one.reshape(size, -1)).all(1) for one in numbers if len(one) == size]
            some = [broken for broken in rows if 2 * int(broken.sum()) < size]
            of += size
            bad += int(torch.stack(some).any(0).sum()) if some else 0
        return bad, of

    def keep(self, call: Call, outside: list[Tensor]) -> bool:
        """Keep the call that was copied last, with a copy of what came from outside; False where that does not fit."""
        if self.batches and len(self.batches[0][2]) != len(outside):
            return False
        place = self._spare.pop()[1] if self._spare else None
        self.batches.append((*call, copy_into(place, outside)))
        if len(self.batches) > self._most:  # the oldest gives its memory to the next
            args, kwargs, old = self.batches.pop(0)
            self._spare.append(((args, kwargs), old))
        return True


def _are_classes(tensor: Tensor) -> bool:
    return tensor.ndim == 1 and len(tensor) > 1 and not tensor.is_floating_point() and tensor.dtype != torch.bool
