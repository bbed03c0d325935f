"""Penalties that a program adds to its loss by hand: how hard they pull, next to the data.

On weights: TheDeepChecker. On outputs, as a variational autoencoder's divergence that leaves nothing in the latent code
(posterior collapse): Bowman et al. 2016, https://arxiv.org/abs/1511.06349.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from convergent.doctor.experiments.learning import train_copy
from convergent.doctor.experiments.modes import permuted_losses
from convergent.doctor.record import Experiments
from convergent.doctor.subject import Example, Subject, rearranged

ALIKE = 1e-3
FREED_STEPS = 150


def penalty_ratio(subject: Subject) -> float | None:
    """Return the norm of a penalty's gradient by that of the rest of the loss, at the final weights or at the first.

    The larger: where a penalty has pulled the weights to nothing there is nothing left to pull. A penalty is what
    reaches the weights past the network's output, the same for every batch. None where there is none.
    """
    last = _ratio(subject)
    if last is None or subject.initial_state is None:
        return last
    subject.to_start()
    return max(last, _ratio(subject) or 0.0)


def _ratio(subject: Subject) -> float | None:
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


def freed_gap(subject: Subject, found: Experiments, deadline: float) -> float | None:
    """Return what exchanged inputs cost after a short training without those terms of the loss that see no target.

    As a share of the loss at the end of the user's training, and only where exchanged inputs cost nothing there. None
    where every output's gradient depends on the targets.
    """
    if subject.initial_state is None or found.real_loss is None or _input_matters(found):
        return None
    subject.to_start()
    blind = _blind_outputs(subject)
    if not blind:
        return None

    def freed_loss(output: Any, outside: Any) -> Tensor:
        leaves, shape = pytree.tree_flatten(output)
        freed = [leaf.detach() if place in blind else leaf for place, leaf in enumerate(leaves)]
        return subject.loss(pytree.tree_unflatten(freed, shape), outside)

    freed = dataclasses.replace(subject, loss=freed_loss)
    train_copy(freed, subject.train_batches, 1.0, FREED_STEPS, lambda: time.thread_time() < deadline)
    tried = permuted_losses(freed)
    permuted = sum(tried["permuted_loss"]) / len(tried["permuted_loss"])
    return float((permuted - tried["real_loss"]) / max(abs(found.real_loss), 1e-12))


def _input_matters(found: Experiments) -> bool:
    """Return whether inputs that are handed to other samples' targets change the loss by more than rounding."""
    assert found.real_loss is not None
    largest = max((abs(loss - found.real_loss) for loss in found.permuted_loss), default=0.0)
    return largest > ALIKE * abs(found.real_loss)


def _blind_outputs(subject: Subject) -> list[int]:
    """Return which outputs get the same gradient whatever the targets are, where others do not."""
    example = subject.train_batches[0]
    order = torch.arange(subject.batch_size).roll(1)
    leaves, shape = pytree.tree_flatten(subject.forward(example))
    places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    free = [leaf.detach().requires_grad_() if place in places else leaf for place, leaf in enumerate(leaves)]
    output, mine = pytree.tree_unflatten(free, shape), [free[place] for place in places]
    with_own, with_others = (
        torch.autograd.grad(subject.loss(output, outside), mine, allow_unused=True)
        for outside in (example[2], rearranged(example[2], subject.batch_size, order))
    )
    used = [(k, a, b) for k, a, b in zip(places, with_own, with_others, strict=True) if a is not None and b is not None]
    blind = [k for k, a, b in used if float((a - b).norm()) <= ALIKE * float(a.norm()) and float(a.norm()) > 0]
    return blind if len(blind) < len(used) else []
