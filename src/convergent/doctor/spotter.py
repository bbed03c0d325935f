"""Sees the functions that a training calls: its losses, their targets, its activations, and the order of its layers.

A `TorchFunctionMode` is told of every call of a torch function while it is on. It is on for sampled steps and for
evaluations only, and reads values never: what it notes are references, shapes and names, as weak as can be.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from convergent.doctor.by_hand import picked_targets
from convergent.doctor.functions import (
    ABSOLUTES,
    ACTIVATIONS,
    BETWEEN,
    DECISIONS,
    DIFFERENCES,
    DROPOUTS,
    EQUALITIES,
    JOINS,
    LINEAR,
    LOSSES,
    OF_PAIRS,
    PICKS,
    PRODUCTS,
    READS,
    SAME_CONTENT,
    SQUARES,
    SUMS,
    TRUNCATIONS,
    VALUES,
    WITH_WEIGHTS,
)
from convergent.doctor.record import LossKind
from convergent.doctor.steps import crossed


class Trace(NamedTuple):
    """What is known of where a tensor came from."""

    layer: str = ""
    """Name of the last layer with weights, where its output came through nothing but norms, pools and shapes."""
    output: bool = False
    """It is, or was made from, an outermost model's output."""
    owner: int = 0
    """`id` of the model whose output it is, or was made from."""
    transform: str = ""
    """The last function on its values, such as `softmax`."""
    decision: bool = False
    """Predicted classes, made from an output."""
    linear: str = ""
    """Name of the linear layer that gave it, where nothing nonlinear came after."""


class Listener(Protocol):
    """What a spotter reports to."""

    def on_layer(self, weights: Sequence[Tensor]) -> str:
        """Return the name of the layer that holds these weights, noting that it ran; empty if unknown."""
        ...

    def on_activation(self, kind: str, layer: str, inputs: Tensor, output: Tensor) -> None:
        """An activation was applied to what `layer` gave."""
        ...

    def on_follow(self, layer: str, function: str) -> None:
        """The output of `layer` went into `function`."""
        ...

    def on_linear_pair(self, before: str, after: str) -> None:
        """A linear layer got what another linear layer gave."""
        ...

    def on_branch(self, layer: str) -> None:
        """The output of a linear layer also goes past the next one, as in a residual network."""
        ...

    def on_loss(self, kind: LossKind, name: str, pair: tuple[Tensor, Tensor], options: dict[str, Any]) -> None:
        """A loss compared an output and a target."""
        ...

    def on_decision(self, predicted: Tensor, target: Tensor | None) -> None:
        """Predicted classes were compared with a target, or with one class."""
        ...

    def on_product(self, layer: str) -> None:
        """Inputs were multiplied by the weight of `layer` itself, (fan_in, fan_out)."""
        ...

    def on_crossed(self, shapes: str) -> None:
        """Outputs and a target were compared as a column and a row: each with every other."""
        ...

    def on_dropout(self) -> None:
        """Units were dropped at random by a function, whatever mode its module is in."""
        ...

    def on_truncation(self, transform: str) -> None:
        """Probabilities that a network gave, through `transform`, were cut to whole numbers."""
        ...

    def on_backward(self, loss: Tensor) -> None:
        """A backward pass is about to begin."""
        ...

    def on_call(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Any function returned: for the tape between the forward and the backward pass."""
        ...


class Spotter(TorchFunctionMode):
    """Tells its listener of what it sees; `enabled` off makes it pass everything through."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self.listener = listener
        self.enabled = True
        self.listening = True
        """Off where it could not be taken off the stack, because the program has put its own mode above it."""
        self._traces: dict[int, tuple[weakref.ref[Tensor], Trace]] = {}
        self._differences: dict[int, tuple[weakref.ref[Tensor], tuple[Tensor, Tensor]]] = {}

    def forget(self) -> None:
        """Drop what was noted of this step's tensors."""
        self._traces.clear()
        self._differences.clear()

    def trace(self, tensor: Any) -> Trace:
        """Return what is known of a tensor."""
        known = self._traces.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else Trace()

    def note(self, tensor: Any, trace: Trace) -> None:
        """Remember where a tensor came from."""
        if isinstance(tensor, Tensor):
            self._traces[id(tensor)] = (weakref.ref(tensor), trace)

    def note_output(self, tensor: Tensor, model: object = None) -> None:
        """Remember that a tensor is a model's output."""
        self.note(tensor, self.trace(tensor)._replace(output=True, owner=id(model) if model is not None else 0))

    def _source(self, output: Tensor) -> dict[str, Any]:
        """Return what is known of the way on which a loss got its input."""
        trace = self.trace(output)
        return {"transform": trace.transform, "traced": trace.output, "owner": trace.owner}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function, then look at what it was."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        looking = self.enabled and self.listening
        if looking and name == "backward" and args and isinstance(args[0], Tensor):
            self.listener.on_backward(args[0])
        try:
            result = func(*args, **kwargs)
        except Exception:
            if looking and name in LOSSES:
                self._loss(name, args, kwargs, None)  # what it was given tells why it failed
            raise
        if looking and name not in ("__get__", "__set__", "backward"):
            self._look(name, func, args, kwargs, result)
        return result

    def _look(self, name: str, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.listener.on_call(func, args, kwargs, result)
        if name in LOSSES:
            self._loss(name, args, kwargs, result)
            return
        first = args[0] if args else kwargs.get("input")
        if isinstance(first, list | tuple) and first and isinstance(first[0], Tensor):
            first = first[0]
        if not isinstance(first, Tensor):
            return
        trace = self.trace(first)
        if name in PICKS and trace.output and trace.transform == "log_softmax" and isinstance(result, Tensor):
            self._picked(first, args[1:], kwargs, result)
        self._note_use(name, args, kwargs, first, result)
        if name in WITH_WEIGHTS:
            self._layer(name, args, kwargs, trace, result)
        elif name in ACTIVATIONS and not _bends(name, args, kwargs):
            self.note(result, trace)
        elif name in ACTIVATIONS:
            self._activation(name, first, trace, result)
        elif name in DIFFERENCES or name in EQUALITIES:
            self._comparison(name, args, result)
        elif first is not None and id(first) in self._differences:
            self._by_hand(name, first, args, result)
        elif trace != Trace():
            self._pass_on(name, trace, result)

    def _note_use(self, name: str, args: Any, kwargs: Any, first: Tensor, result: Any) -> None:
        if name in READS and self.trace(first).decision:
            self.listener.on_decision(first, None)  # compared outside of torch
        elif name in DROPOUTS and _drops(name, args, kwargs):
            self.listener.on_dropout()
        elif name in TRUNCATIONS and first.is_floating_point() and self._cuts(name, first, result):
            self.listener.on_truncation(self.trace(first).transform)
        elif name in JOINS:
            self._join(args)

    def _cuts(self, name: str, first: Tensor, result: Any) -> bool:
        """Return whether probabilities are cut to whole numbers, which leaves zeros."""
        trace = self.trace(first)
        if not trace.output or trace.decision or trace.transform not in ("sigmoid", "softmax"):
            return False
        whole = isinstance(result, Tensor) and not result.is_floating_point() and result.dtype != torch.bool
        return whole or name.startswith(("trunc", "fix", "floor"))

    def _join(self, args: Any) -> None:
        joined = _tensors(args)
        for value in joined:
            if len(joined) > 1 and self.trace(value).linear:
                self.listener.on_branch(self.trace(value).linear)

    def _layer(self, name: str, args: Any, kwargs: Any, before: Trace, result: Any) -> None:
        weights = [value for value in _tensors((args, kwargs)) if isinstance(value, torch.nn.Parameter)]
        if before.layer:
            self.listener.on_follow(before.layer, name)
        layer = self.listener.on_layer(weights) if weights else ""
        if name in PRODUCTS and layer and len(args) > 1 and args[1] is weights[0] and weights[0].ndim == 2:
            self.listener.on_product(layer)
        linear = layer if name in LINEAR else before.linear if name == "batch_norm" else ""
        if name in LINEAR and before.linear and layer and before.linear != layer:
            self.listener.on_linear_pair(before.linear, layer)
        if name in BETWEEN:
            layer = before.layer or layer
        for output in _tensors(result)[:1]:
            self.note(output, Trace(layer=layer, linear=linear))

    def _activation(self, name: str, first: Tensor, before: Trace, result: Any) -> None:
        kind = name.rstrip("_")
        if before.layer:
            self.listener.on_follow(before.layer, kind)
        if isinstance(result, Tensor):
            self.listener.on_activation(kind, before.layer, first, result)
            self.note(result, before._replace(layer="", linear="", transform=kind))

    def _pass_on(self, name: str, trace: Trace, result: Any) -> None:
        if name in DECISIONS:
            for value in _tensors(result):
                self.note(value, trace._replace(decision=True, layer="", linear=""))
        elif name in BETWEEN or name in VALUES:
            kept = trace.layer if name in BETWEEN else ""
            transform = name.rstrip("_") if name in VALUES else trace.transform
            if name in SUMS:
                transform = ""
            linear = trace.linear if name in SAME_CONTENT else ""
            for value in _tensors(result):
                self.note(value, trace._replace(layer=kept, transform=transform, linear=linear))

    def _loss(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        names = ("input1", "input2", "target") if name in OF_PAIRS else ("input", "target")
        given = [args[i] if len(args) > i else kwargs.get(names[i]) for i in range(len(names))]
        pair = [given[0], given[-1]]
        if not all(isinstance(value, Tensor) for value in pair):
            return
        kind = LOSSES[name]
        options = {key: value for key, value in kwargs.items() if key not in names}
        options |= self._source(pair[0])
        options["value"] = result
        if name.startswith(("cross_entropy", "nll_loss", "binary_cross_entropy")) and len(args) > 2:
            options.setdefault("weight", args[2])
        if name == "poisson_nll_loss" and len(args) > 2:
            options.setdefault("log_input", args[2])
        self.listener.on_loss(kind, name, (pair[0], pair[1]), options)

    def _comparison(self, name: str, args: Any, result: Any) -> None:
        if len(args) < 2 or not isinstance(args[0], Tensor):
            return
        if not isinstance(args[1], Tensor):
            if name in EQUALITIES and self.trace(args[0]).decision:
                self.listener.on_decision(args[0], None)  # the class is a number of Python's
            return
        traces = [self.trace(value) for value in args[:2]]
        for mine, other in ((0, 1), (1, 0)):
            if not traces[mine].output or traces[other].output:
                continue
            if name in EQUALITIES and (shapes := crossed(args[mine], args[other])):
                self.listener.on_crossed(shapes)
                return
            if name in EQUALITIES and traces[mine].decision:
                self.listener.on_decision(args[mine], args[other])
            elif name in DIFFERENCES and _is_target(args[other]) and isinstance(result, Tensor):
                self._differences[id(result)] = (weakref.ref(result), (args[mine], args[other]))
            return

    def _by_hand(self, name: str, first: Tensor, args: Any, result: Any) -> None:
        reference, pair = self._differences[id(first)]
        if reference() is not first:
            return
        options = {"by_hand": True, **self._source(pair[0])}
        power = args[1] if len(args) > 1 else 2
        if name in SQUARES and (power is first or (not isinstance(power, Tensor) and power == 2)):
            self.listener.on_loss("mse", "", pair, options | {"value": result})
        elif name in ABSOLUTES:
            self.listener.on_loss("l1", "", pair, options | {"value": result})

    def _picked(self, log_shares: Tensor, args: Any, kwargs: Any, result: Tensor) -> None:
        """Note a cross-entropy by hand: the log-probabilities of the targets, picked from those of all classes."""
        pair = picked_targets(log_shares, args, kwargs)
        if pair is not None:
            options = {"by_hand": True, "picked": True, "value": -result.detach(), **self._source(pair[0])}
            self.listener.on_loss("nll", "", pair, options | {"transform": "log_softmax"})


def _bends(name: str, args: Any, kwargs: Any) -> bool:
    """Return whether a call of an activation does anything: a leaky ReLU of slope 1 does not.

    >>> _bends("leaky_relu", (None, True), {}), _bends("leaky_relu", (None,), {"negative_slope": 0.2})
    (False, True)
    """
    slope = kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
    return not name.startswith("leaky_relu") or slope != 1


def _drops(name: str, args: Any, kwargs: Any) -> bool:
    """Return whether a call of a dropout function drops anything.

    >>> _drops("dropout", (None, 0.5, True), {}), _drops("dropout", (None,), {"p": 0.5, "training": False})
    (True, False)
    """
    if name == "scaled_dot_product_attention":
        return bool(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
    share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    return bool(share) and bool(kwargs.get("training", args[2] if len(args) > 2 else True))


def _is_target(value: Tensor) -> bool:
    """Return whether an output may be compared with this: no constant, and nothing that is learned itself."""
    return value.ndim > 0 and not value.requires_grad


def _tensors(value: Any) -> list[Tensor]:
    """Return the tensors in nested tuples, lists and dictionaries, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    return []
