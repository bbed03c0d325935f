"""Copies of a model whose weights follow it, as running averages do, and whose batch norm statistics do not.

Polyak averaging (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407, section 3.2): an average of weights needs
statistics of its own. A copy that was made before the training has those of no data, mean 0 and variance 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

NEAR = 0.5
"""Of the norm of the weights: two networks that were drawn apart from each other are 1.4 of it apart."""


def stale_norm(copy: nn.Module, model: nn.Module, initial: dict[str, Tensor] | None) -> str:
    """Return the first batch norm of a copy that has seen no batch though its weights follow the model; empty if none.

    initial  weights of the model before its first step: a copy that still has them follows nothing

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    >>> stale_norm(net, net, None)
    ''
    """
    if copy is model or type(copy) is not type(model) or initial is None or not _follows(copy, model, initial):
        return ""
    norms = {name: one for name, one in model.named_modules() if isinstance(one, _BatchNorm)}
    theirs = [(name, one) for name, one in copy.named_modules() if isinstance(one, _BatchNorm) and name in norms]
    return next((name for name, one in theirs if _batches(one) == 0 < _batches(norms[name])), "")


def _batches(norm: _BatchNorm) -> int:
    seen = norm.num_batches_tracked
    return int(seen) if isinstance(seen, Tensor) else -1


def _follows(copy: nn.Module, model: nn.Module, initial: dict[str, Tensor]) -> bool:
    """Return whether a copy has left the weights that the model began with, and lies near those that it has now."""
    theirs, mine = dict(copy.named_parameters()), dict(model.named_parameters())
    if theirs.keys() != mine.keys() or any(theirs[name].shape != one.shape for name, one in mine.items()):
        return False
    if all(name in initial and torch.equal(one.detach(), initial[name]) for name, one in theirs.items()):
        return False
    apart = sum(float((theirs[name].detach() - one.detach()).pow(2).sum()) for name, one in mine.items())
    return apart < NEAR**2 * sum(float(one.detach().pow(2).sum()) for one in mine.values())
