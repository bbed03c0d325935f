"""Small pure functions on steps: which are sampled, what they were given, norms by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from convergent.doctor.functions import ADAPTIVE, DECOUPLED
from convergent.doctor.record import Evidence, LossCall, LossKind

DENSE_STEPS = 32
LATE_STEP = 1024
LATE_BATCHES = 512
MOST_WEIGHTS = 1000


def is_sampled(step: int) -> bool:
    """Return whether a step is looked at closely: the first ones all, later ones ever more seldom.

    >>> [step for step in range(31, 100) if is_sampled(step)]
    [31, 32, 48, 64, 80, 96]
    """
    return step < DENSE_STEPS or step % (16 if step < LATE_STEP else 64) == 0


def keeps_batch(step: int) -> bool:
    """Return whether a step's batch, and the way from output to loss, are noted: when sampled, later more seldom.

    >>> [step for step in range(992, 2049) if keeps_batch(step)]
    [992, 1008, 1024, 1536, 2048]
    """
    return is_sampled(step) and (step < LATE_STEP or step % LATE_BATCHES == 0)


def first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Return the first tensor among a forward call's arguments; plain ids that come side by side as columns of one.

    >>> first_tensor((torch.tensor([7, 8]), torch.tensor([1, 2])), {}).tolist()  # users and items
    [[7, 1], [8, 2]]
    """
    tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.ndim >= 1]
    if len(tensors) > 1 and all(_are_ids(one) and len(one) == len(tensors[0]) for one in tensors):
        return torch.stack([one.long() for one in tensors], 1)
    return tensors[0] if tensors else None


def _are_ids(tensor: Tensor) -> bool:
    return tensor.ndim == 1 and tensor.dtype in (torch.int32, torch.int64)


def own_copy(value: Any) -> Any:
    """Return nested containers with every tensor detached and cloned."""
    return pytree.tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), value)


def copy_into(place: Any, value: Any) -> Any:
    """Return a copy of nested tensors, in the memory of an earlier copy of the same shapes where there is one."""
    leaves, spec = pytree.tree_flatten(value)
    kept, kept_spec = pytree.tree_flatten(place)
    if spec != kept_spec:
        return own_copy(value)
    return pytree.tree_unflatten([_moved(old, new) for old, new in zip(kept, leaves, strict=True)], spec)


def _moved(old: Any, new: Any) -> Any:
    if not isinstance(new, Tensor):
        return new
    alike = isinstance(old, Tensor) and old.shape == new.shape and old.dtype == new.dtype and old.device == new.device
    return old.copy_(new.detach()) if alike else new.detach().clone()


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the parameters that an optimiser holds."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def by_layer(layers: Sequence[str], norms: Sequence[float]) -> dict[str, float]:
    """Return the norm of every layer from its name and the norm for each of its parameters.

    >>> by_layer(["first", "first", "last"], [3.0, 4.0, 2.0])
    {'first': 5.0, 'last': 2.0}
    """
    parts: dict[str, list[float]] = {}
    for layer, norm in zip(layers, norms, strict=True):
        parts.setdefault(layer, []).append(norm)
    return {layer: math.hypot(*mine) for layer, mine in parts.items()}


def loss_call(kind: LossKind, name: str, output: Tensor, target: Tensor, options: dict[str, Any]) -> LossCall:
    """Return a loss call as plain values."""
    weight, positive = options.get("weight"), options.get("pos_weight")
    weighted = weight is not None or positive is not None
    weights: list[float] = []
    if kind in ("cross_entropy", "nll") and isinstance(weight, Tensor) and weight.numel() <= MOST_WEIGHTS:
        weights = weight.detach().flatten().tolist()
    elif isinstance(positive, Tensor) and positive.numel() == 1:
        weights = [1.0, float(positive)]
    return LossCall(
        kind=kind,
        name=name,
        output_shape=tuple(output.shape),
        target_shape=tuple(target.shape),
        target_is_index=not target.is_floating_point() and not target.is_complex(),
        reduction=str(options.get("reduction", "mean")),
        ignore_index=int(options.get("ignore_index", -100)),
        label_smoothing=float(options.get("label_smoothing", 0.0)),
        weighted=weighted,
        class_weights=weights,
        by_hand=bool(options.get("by_hand", False)),
        log_input=bool(options.get("log_input", True)),
    )


def crossed(one: Tensor, other: Tensor) -> str:
    """Return how a column and a row of equal length meet, which makes a table of all pairs; empty where they do not.

    >>> crossed(torch.zeros(5, 1), torch.ones(5)), crossed(torch.zeros(5), torch.ones(5))
    ('(5, 1) and (5,)', '')
    """
    shapes = tuple(one.shape), tuple(other.shape)
    size = one.numel()
    return f"{shapes[0]} and {shapes[1]}" if size > 1 and sorted(shapes, key=len) == [(size,), (size, 1)] else ""


def describe_optimizers(evidence: Evidence, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Note what trains a model: the settings of the last optimiser that joined in, and the weights that all hold."""
    optimizer = optimizers[-1]
    evidence.optimizer = evidence.optimizer or type(optimizer).__name__
    evidence.adaptive = any(type(one).__name__ in ADAPTIVE for one in optimizers)
    evidence.momentum = float(optimizer.param_groups[0].get("momentum", 0.0) or 0.0)
    evidence.weight_decay = max(float(group.get("weight_decay", 0.0) or 0.0) for group in optimizer.param_groups)
    held = {id(p) for one in optimizers for p in parameters_of(one)}
    modules = dict(model.named_modules())
    for layer in evidence.layers:
        module = modules.get(layer.name, model)
        layer.in_optimizer = sum(p.numel() for p in module.parameters(recurse=False) if id(p) in held)


def note_penalties(evidence: Evidence) -> None:
    """Set the `penalty_ratio` of every sample: the pull of weight decay by the size of the gradient or the step."""
    decay = evidence.weight_decay
    if not decay:
        return
    decoupled = evidence.optimizer in DECOUPLED
    for sample in evidence.samples:
        weight = sum(value**2 for value in sample.weight_norm.values()) ** 0.5
        pull = sample.update_norm if decoupled else sample.grad_norm
        size = sum(value**2 for value in pull.values()) ** 0.5
        penalty = decay * weight * (sample.learning_rate if decoupled else 1.0)
        sample.penalty_ratio = penalty / size if size > 0 else None
