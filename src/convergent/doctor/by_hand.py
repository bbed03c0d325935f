"""Losses written out by hand: what they compare, and whether it is they that are trained on, up to sign and scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from convergent.doctor.record import LossCall

EXACT = 1e-3
MOST_PARTS = 64
"""Batches that are accumulated, at most."""
LEAST_CHANGE, MOST_CHANGE = 0.6, 100.0
"""Of a loss to which others may be added: what lies between is no scale."""
LEAST_SCALE = 128
"""Of a gradient scaler."""


def picked_targets(log_shares: Tensor, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Tensor, Tensor] | None:
    """Return log-probabilities, classes in dimension 1, and the class numbers picked from them; None for other picks.

    `log_shares[rows, targets]` and `log_shares.gather(-1, targets[..., None])` pick one class of each row.

    >>> import torch
    >>> shares, targets = torch.zeros(4, 3), torch.tensor([0, 2, 1, 1])
    >>> [part.shape for part in picked_targets(shares, [(torch.arange(4), targets)], {})]
    [torch.Size([4, 3]), torch.Size([4])]
    >>> picked_targets(shares, [0], {}) is None
    True
    """
    if args and isinstance(args[0], tuple):
        rows, targets = args[0] if len(args[0]) == 2 else (None, None)
        if log_shares.ndim != 2 or not isinstance(targets, Tensor) or targets.shape != log_shares.shape[:1]:
            return None
        whole = isinstance(rows, Tensor | list | range) and len(rows) == len(log_shares)
        return (log_shares, targets) if whole and _is_index(targets) else None
    dim = kwargs.get("dim", args[0] if args else None)
    index = kwargs.get("index", args[1] if len(args) > 1 else None)
    if not isinstance(dim, int) or not isinstance(index, Tensor) or not _is_index(index):
        return None
    dim %= log_shares.ndim
    last = dim == log_shares.ndim - 1
    if index.ndim != log_shares.ndim or index.shape[dim] != 1 or not (last or dim == 1):
        return None
    targets = index.squeeze(dim)
    return (log_shares.movedim(-1, 1) if last else log_shares, targets)


def _is_index(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_floating_point() and value.dtype.itemsize > 1


def is_plain(scale: float, values: int) -> bool:
    """Return whether a scale is one that a loss is multiplied by as a whole, besides its mean over `values` numbers.

    A sum, accumulation over a few batches, and the powers of two of a gradient scaler.

    >>> is_plain(1.0, 32), is_plain(32.0, 32), is_plain(0.25, 32), is_plain(65536.0, 32), is_plain(0.37, 32)
    (True, True, True, True, False)
    """
    if not 0 < scale < 2.0**40:
        return False
    parts = round(1 / scale) if scale < 1.5 else 0
    power = 2 ** round(math.log2(scale))
    plain = [1 / parts if 1 <= parts <= MOST_PARTS else 0.0, float(values), power if power >= LEAST_SCALE else 0.0]
    return any(abs(scale - one) <= EXACT * one for one in plain if one)


def settled(call: LossCall, scale: float, values: int) -> LossCall | None:
    """Return the loss call as the value that was trained on shows it: summed, or negated.

    None where targets were only seen picked, and the value is not that of a cross-entropy: a policy's log-probabilities
    of its own actions are picked in the same way.

    scale  what the backward pass began from, by the mean of the call's `values` numbers
    """
    plain = is_plain(abs(scale), values)
    if call.by_hand and call.kind == "nll" and not plain:
        return None
    summed = call.by_hand and plain and values > 1 and abs(abs(scale) - values) <= EXACT * values
    return replace(call, negated=plain and scale < 0, reduction="sum" if summed else call.reduction)


def divisor(call: LossCall | None, scale: float, values: int, *, in_parts: bool) -> float:
    """Return by what losses are divided to be means over samples and elements, as chance is reckoned.

    scale     what the backward pass began from, by the mean of the call's `values` numbers
    in_parts  the call gave one number an element: summed over pixels and averaged over samples, say

    >>> divisor(None, 784.0, 100, in_parts=True), divisor(None, 0.25, 1, in_parts=False)
    (784.0, 0.25)
    """
    if not in_parts:
        return scale if 0 < scale < LEAST_CHANGE or scale > MOST_CHANGE else 1.0
    known = settled(call, scale, values) if call is not None else None
    whole = known is not None and known.reduction == "sum"  # what is summed over all is told as a sum
    return 1.0 if whole or scale <= 0 or LEAST_CHANGE <= scale <= 1 / LEAST_CHANGE else scale
