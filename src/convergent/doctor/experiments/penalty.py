"""Penalties that a program adds to its loss by hand: how hard they pull, next to the data (TheDeepChecker)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from convergent.doctor.subject import Example, Subject

ALIKE = 1e-3


def penalty_ratio(subject: Subject) -> float | None:
    """Return the norm of a penalty's gradient by that of the rest of the loss, at the final weights.

    A penalty is what reaches the weights past the network's output, the same for every batch. None where there is none.
    """
    weights = [p for p in subject.model.parameters() if p.requires_grad]
    subject.model.eval()
    if len(subject.train_batches) < 2:
        return None
    first, second = (_past_the_output(subject, example, weights) for example in subject.train_batches[:2])
    if first is None or second is None or not float(first.norm()) > 0:
        return None
    if float((first - second).norm()) > ALIKE * float(first.norm()):
        return None
    whole = _flat(torch.autograd.grad(subject.loss_of(subject.train_batches[0]), weights, allow_unused=True), weights)
    return float(first.norm() / (whole - first).norm().clamp(min=1e-12))


def _past_the_output(subject: Subject, example: Example, weights: Sequence[Tensor]) -> Tensor | None:
    output = pytree.tree_map_only(Tensor, lambda t: t.detach(), subject.forward(example))
    loss = subject.loss(output, example[2])
    if not loss.requires_grad:
        return None
    return _flat(torch.autograd.grad(loss, weights, allow_unused=True), weights)


def _flat(gradients: tuple[Tensor | None, ...], weights: Sequence[Tensor]) -> Tensor:
    pairs = zip(gradients, weights, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for g, w in pairs])
