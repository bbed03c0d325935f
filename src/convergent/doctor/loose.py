"""Networks without modules: weights that are tensors of the program's own, updated by hand or by an optimiser.

Nothing tells when such a network runs; what can be known is what every backward pass begins from and arrives at.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.autograd.graph import Node

from convergent.doctor.layers import describe_weight, weight_numbers
from convergent.doctor.measure import Pending, joined, norms
from convergent.doctor.readings import to_host
from convergent.doctor.record import Evidence, StepSample
from convergent.doctor.steps import is_sampled

SEARCHED = 3
"""Backward passes in whose graphs weights are looked for."""
MOST_NODES = 20_000


def leaves_of(loss: Tensor) -> list[Tensor]:
    """Return the tensors that a loss is differentiated by, those that it was computed from first before the others.

    >>> import torch
    >>> a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    >>> [leaf is a for leaf in leaves_of(((3 * a).exp() * b).sum())]
    [True, False]
    """
    seen: set[Node] = set()
    found: dict[int, tuple[int, Tensor]] = {}
    waiting = [(loss.grad_fn, 0)] if loss.grad_fn is not None else []
    while waiting and len(seen) < MOST_NODES:
        node, level = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, Tensor):
            found[id(leaf)] = (level, leaf)
        waiting += [(before, level + 1) for before, _ in node.next_functions if before is not None]
    return [leaf for _, leaf in sorted(found.values(), key=lambda pair: -pair[0])]


class Loose:
    """What is seen of a program in which no module trains."""

    def __init__(self) -> None:
        self.evidence = Evidence(name="tensors")
        self.step = 0
        self._leaves: list[Tensor] = []
        self._versions: list[int] = []
        self._pending = Pending()
        self._losses: list[float] = []
        self._sample: StepSample | None = None

    def before_backward(self, loss: Tensor) -> None:
        """A backward pass is about to begin; it belongs to a new step where the weights have changed since the last."""
        if self.step < SEARCHED:
            self._find(loss)
        versions = [leaf._version for leaf in self._leaves]
        if not self._leaves or (self.step and versions == self._versions):
            return
        self._versions = versions
        self._pending.add(loss.detach().float().mean(), self._losses.append)
        if is_sampled(self.step):
            self._sample = sample = StepSample(self.step, math.nan, 0.0)
            self.evidence.samples.append(sample)
            lying = [leaf.grad for leaf in self._leaves if leaf.grad is not None]
            if lying:
                self._pending.add(joined(norms(lying)), lambda value: setattr(sample, "stale_gradient", value))
        self.step += 1

    def _find(self, loss: Tensor) -> None:
        known = {id(leaf) for leaf in self._leaves}
        fresh = [leaf for leaf in leaves_of(loss) if id(leaf) not in known]
        numbers = to_host([weight_numbers(leaf) for leaf in fresh])
        for leaf, mine in zip(fresh, numbers, strict=True):
            shape = tuple(leaf.shape)
            # A tensor that multiplies from the right is (inputs, units); by hand that is the usual way.
            fan_in, fan_out = (shape[0], shape[-1]) if len(shape) > 1 else (leaf.numel(), leaf.numel())
            layer = describe_weight(_name(len(self._leaves), leaf), "tensor", shape, fan_in, fan_out, mine)
            layer.num_parameters = layer.trainable = layer.in_optimizer = leaf.numel()
            layer.multiplies = len(shape) > 1
            self.evidence.layers.append(layer)
            self._leaves.append(leaf)
        self.evidence.num_parameters = sum(leaf.numel() for leaf in self._leaves)

    def after_backward(self) -> None:
        """A backward pass has ended: on sampled steps note the gradients."""
        sample, self._sample = self._sample, None
        if sample is None:
            return
        held = [(_name(place, leaf), leaf.grad) for place, leaf in enumerate(self._leaves) if leaf.grad is not None]
        names = [name for name, _ in held]
        sizes = norms([gradient for _, gradient in held])
        self._pending.add_all(sizes, lambda values: sample.grad_norm.update(zip(names, values, strict=True)))

    def finish(self) -> Evidence:
        """Return what was seen, read back to the host."""
        self._pending.read()
        self.evidence.losses = list(self._losses)
        return self.evidence


def _name(place: int, leaf: Tensor) -> str:
    return f"tensor {place + 1} {tuple(leaf.shape)}"
