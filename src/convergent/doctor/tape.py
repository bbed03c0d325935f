"""The way from a model's output to its loss, recorded from one step and replayed on other outputs and targets.

Between the end of the forward pass and the beginning of the backward pass a training calls torch functions: a loss, a
sum of several, a penalty on weights. The tape notes those calls; replayed with a copy's output it gives the loss as the
user computes it, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

LONGEST = 400
DIFFERENCES = frozenset({"sub", "rsub", "subtract", "__sub__", "__rsub__"})


@dataclass(frozen=True)
class Slot:
    """A place for a tensor: a leaf of the output, a tensor from outside, a weight, or the result of an earlier call."""

    kind: str
    """`output`, `outside`, `weight` or `result`."""
    key: int | str
    leaf: int = 0


@dataclass
class Call:
    """One call with its tensors replaced by slots."""

    function: Callable[..., Any]
    args: Any
    kwargs: Any


@dataclass
class Tape:
    """Calls from the output to the loss; `outside` are the tensors that came from elsewhere: targets, masks."""

    names: dict[int, str]
    """id of each parameter -> its name."""
    output_leaves: list[Any] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    outside: list[Tensor] = field(default_factory=list)
    loss: Slot | None = None
    usable: bool = True
    results: dict[int, tuple[Slot, Any]] = field(default_factory=dict)
    """Tensors of this step by id; dropped when the tape is closed."""

    def begin(self, output: Any) -> None:
        """Start from a model's output."""
        self.output_leaves = pytree.tree_leaves(output)
        self.calls, self.outside, self.results, self.loss, self.usable = [], [], {}, None, True
        for index, leaf in enumerate(self.output_leaves):
            if isinstance(leaf, Tensor):
                self.results[id(leaf)] = (Slot("output", index), leaf)

    def note(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Note a call, if the tape is running."""
        if not self.output_leaves or not self.usable or not self._depends(args, kwargs):
            return
        if len(self.calls) >= LONGEST:
            self.usable = False
            return
        args, kwargs = pytree.tree_map(self._slot, (list(args), dict(kwargs)))
        self.calls.append(Call(function, args, kwargs))
        for leaf, value in enumerate(pytree.tree_leaves(result)):
            if isinstance(value, Tensor) and id(value) not in self.results:
                self.results[id(value)] = (Slot("result", len(self.calls) - 1, leaf), value)

    def _depends(self, args: Any, kwargs: Any) -> bool:
        """Return whether a call works on what came from the model: others make tensors from outside, as `y[rows]`."""
        tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        known = [self.results.get(id(tensor)) for tensor in tensors]
        return any(one is not None and one[0].kind != "outside" for one in known) or any(
            id(tensor) in self.names for tensor in tensors
        )

    def _slot(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) in self.results:
            return self.results[id(value)][0]
        if id(value) in self.names:
            return Slot("weight", self.names[id(value)])
        slot = Slot("outside", len(self.outside))
        self.outside.append(value)
        self.results[id(value)] = (slot, value)
        return slot

    def close(self, loss: Tensor) -> None:
        """End at the loss; calls that it doesn't need are cut off."""
        known = self.results.get(id(loss))
        self.loss = known[0] if known else None
        self.usable = self.usable and self.loss is not None
        self.results = {}
        self.output_leaves = []
        if self.loss is not None:
            self._cut(self.loss)

    def subtracted(self) -> list[int]:
        """Return which tensors from outside were taken from what came from the output, or the other way round."""
        found: dict[int, None] = {}
        for call in self.calls:
            slots = [slot for slot in call.args if isinstance(slot, Slot)]
            if getattr(call.function, "__name__", "") in DIFFERENCES and {"outside"} < {slot.kind for slot in slots}:
                found |= {int(slot.key): None for slot in slots if slot.kind == "outside"}
        return list(found)

    def _cut(self, loss: Slot) -> None:
        needed: set[int] = set()
        frontier = [loss]
        while frontier:
            slot = frontier.pop()
            if slot.kind != "result" or slot.key in needed:
                continue
            needed.add(int(slot.key))
            call = self.calls[int(slot.key)]
            leaves = pytree.tree_leaves((call.args, call.kwargs))
            frontier += [leaf for leaf in leaves if isinstance(leaf, Slot)]
        if len(needed) == len(self.calls):
            return
        self.calls = [call if index in needed else Call(_nothing, [], {}) for index, call in enumerate(self.calls)]


def _nothing() -> None:
    """Stand for a call that the loss does not need."""


def replay(tape: Tape, model: nn.Module, output: Any, outside: Any) -> Tensor:
    """Return the loss of another output and other tensors from outside, as the recorded step computed it.

    Raises RuntimeError where the calls do not fit these shapes.
    """
    assert tape.loss is not None
    leaves = pytree.tree_leaves(output)
    weights = dict(model.named_parameters())
    tensors = list(outside) if isinstance(outside, list | tuple) else [outside]
    results: list[list[Any]] = []

    def fill(value: Any) -> Any:
        if not isinstance(value, Slot):
            return value
        if value.kind == "output":
            return leaves[int(value.key)]
        if value.kind == "outside":
            return tensors[int(value.key)]
        if value.kind == "weight":
            return weights[str(value.key)]
        return results[int(value.key)][value.leaf]

    for call in tape.calls:
        args, kwargs = pytree.tree_map_only(Slot, fill, (call.args, call.kwargs))
        results.append(pytree.tree_leaves(call.function(*args, **kwargs)))
    loss = fill(tape.loss)
    if not isinstance(loss, Tensor):
        raise RuntimeError("the tape did not end in a tensor")
    return loss if loss.ndim == 0 else torch.mean(loss)
