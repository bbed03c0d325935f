"""When what waits on the device is read, and how: seldom, and all of it together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

READ_EVERY = 64


class Readings:
    """Tells after which batches to read: 1, 2, 4 and so on, then once in `READ_EVERY`.

    >>> readings = Readings()
    >>> [batch for batch in range(1, 300) if readings.is_due()]
    [1, 2, 4, 8, 16, 32, 64, 128, 192, 256]
    """

    def __init__(self) -> None:
        self._batches, self._next = 0, 1

    def is_due(self) -> bool:
        """Count a batch, and return whether to read after it."""
        self._batches += 1
        if self._batches < self._next:
            return False
        self._next = self._batches + min(self._batches, READ_EVERY)
        return True


def to_host(tensors: Sequence[Tensor]) -> list[list[float]]:
    """Return the values of each tensor, flat, all of one type in one transfer.

    >>> to_host([torch.tensor([1, 2]), torch.tensor(0.5), torch.tensor([[3]])])
    [[1, 2], [0.5], [3]]
    """
    found: list[list[float]] = [[] for _ in tensors]
    for kind in {(tensor.dtype, tensor.device) for tensor in tensors}:
        mine = [index for index, tensor in enumerate(tensors) if (tensor.dtype, tensor.device) == kind]
        values: list[float] = torch.cat([tensors[index].detach().reshape(-1) for index in mine]).tolist()
        start = 0
        for index in mine:
            end = start + tensors[index].numel()
            found[index], start = values[start:end], end
    return found
