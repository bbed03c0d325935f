"""Facts on a model's layers before its first step: sizes, the spread of their weights, what trains them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convergent.doctor.readings import to_host
from convergent.doctor.record import Evidence, Layer

TORCH_LAYERS = frozenset(vars(nn))


def main_weight(module: nn.Module) -> nn.Parameter | None:
    """Return a module's own largest weight of two or more dimensions, or its first parameter; None without any."""
    own = [p for p in module.parameters(recurse=False) if not nn.parameter.is_lazy(p)]
    matrices = [p for p in own if p.ndim >= 2]
    return max(matrices, key=lambda p: p.numel()) if matrices else (own[0] if own else None)


def fans(module: nn.Module, weight: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight.

    >>> fans(nn.Conv2d(3, 8, 5), torch.empty(8, 3, 5, 5))
    (75, 200)
    """
    if weight.ndim < 2:
        return weight.numel(), weight.numel()
    field = math.prod(weight.shape[2:])
    first, second = weight.shape[:2]
    if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        first, second = second, first
    if isinstance(module, nn.LSTM | nn.GRU | nn.RNN):
        return second, module.hidden_size
    return second * field, first * field


@torch.no_grad()
def describe_layers(model: nn.Module, held: Iterable[Tensor]) -> list[Layer]:
    """Return a `Layer` for every module that has parameters of its own, in the order of the definition.

    held  the parameters that an optimiser holds
    """
    ids = {id(parameter) for parameter in held}
    modules = [(name, module, main_weight(module)) for name, module in model.named_modules()]
    found = [(name, module, weight) for name, module, weight in modules if weight is not None]
    numbers = to_host([weight_numbers(weight) for _, _, weight in found])
    layers = []
    for (name, module, weight), mine in zip(found, numbers, strict=True):
        own = list(module.parameters(recurse=False))
        kind, shape = type(module).__name__, tuple(weight.shape)
        layer = describe_weight(name or kind, kind, shape, *fans(module, weight), mine)
        layer.num_parameters = sum(p.numel() for p in own)
        layer.trainable = sum(p.numel() for p in own if p.requires_grad)
        layer.in_optimizer = sum(p.numel() for p in own if id(p) in ids)
        layers.append(layer)
    return layers


@torch.no_grad()
def weight_numbers(weight: Tensor) -> Tensor:
    """Return six numbers of a weight (units, ...), and of whether its units differ.

    Standard deviation, mean, 1 where all units are equal, the share of those that are zero, the largest value, and the
    flatness: the fourth moment by the square of the second.
    """
    weight = weight.detach()
    values = (torch.view_as_real(weight) if weight.is_complex() else weight).float()
    if not values.numel():
        return torch.full((6,), math.nan, device=values.device)
    flat = values.flatten(1) if values.ndim > 1 else values.reshape(-1, 1)  # a temperature is one unit
    equal = (flat == flat[:1]).all().float() if len(flat) > 1 else torch.zeros((), device=values.device)
    flatness = values.pow(4).mean() / values.pow(2).mean() ** 2
    zero = (flat == 0).all(1).float().mean()
    return torch.stack([values.std(unbiased=False), values.mean(), equal, zero, values.abs().amax(), flatness])


def describe_weight(
    name: str, kind: str, shape: tuple[int, ...], fan_in: int, fan_out: int, numbers: Sequence[float]
) -> Layer:
    """Return a `Layer` from the numbers of its weight; what trains it is for the caller to add."""
    std, mean, equal, zero, largest, flatness = numbers
    fresh = math.prod(shape) >= 64 and is_fresh(largest, flatness, fan_in)
    return Layer(name, kind, shape, fan_in, fan_out, std, mean, equal == 1, zero_rows=zero, fresh=fresh)


def is_fresh(largest: float, flatness: float, fan_in: int) -> bool:
    """Return whether a weight still has torch's default distribution: uniform between -1 and 1 by sqrt(fan_in).

    >>> _, _, _, _, *fresh = weight_numbers(nn.Linear(64, 64).weight).tolist()
    >>> _, _, _, _, *normal = weight_numbers(torch.randn(64, 64) / 8).tolist()
    >>> is_fresh(*fresh, 64), is_fresh(*normal, 64)
    (True, False)
    """
    bound = 1 / math.sqrt(fan_in)
    return 0.9 * bound < largest <= bound * (1 + 1e-5) and 1.5 < flatness < 2.1


def unregistered(model: nn.Module) -> list[Tensor]:
    """Return the tensors that modules keep to be learned, though they are no parameters: no optimiser is given them.

    >>> net = nn.Linear(2, 2)
    >>> net.queries = [torch.zeros(3, requires_grad=True)]
    >>> len(unregistered(net))
    1
    """
    found: list[Any] = []
    for module in model.modules():
        for name, value in vars(module).items():
            if not name.startswith("_"):
                several = value.values() if isinstance(value, dict) else value
                found += list(several) if isinstance(value, dict | list | tuple) else [value]
    found = [one for one in found if isinstance(one, Tensor) and one.requires_grad and one.is_leaf]
    known = {id(parameter) for parameter in model.parameters()}
    return [one for one in found if id(one) not in known]


def put_in_order(layers: list[Layer], ran: list[str], last: str) -> None:
    """Sort layers by when they first ran, and mark the last: the one that is named, or that ran last of all.

    ran   names in the order of the first forward pass
    last  name of the layer that gave the output; empty where that is not known
    """
    order = {name: index for index, name in enumerate(ran)}
    layers.sort(key=lambda layer: order.get(layer.name, len(order)))
    matrices = {layer.name for layer in layers if len(layer.weight_shape) >= 2}
    last = last or next((name for name in reversed(ran) if name in matrices), "")
    for layer in layers:
        layer.is_last = layer.name == last


def note_neighbours(
    layers: list[Layer], activation_after: dict[str, str], followed_by: dict[str, str], products: set[str]
) -> None:
    """Set what follows each layer, and which of the user's own multiply by their weight, all by the layers' names."""
    for layer in layers:
        layer.activation = activation_after.get(layer.name, "")
        layer.followed_by = followed_by.get(layer.name, "")
        if layer.name in products and layer.kind not in TORCH_LAYERS:
            layer.multiplies, (layer.fan_in, layer.fan_out) = True, layer.weight_shape


def note_switches(evidence: Evidence, switches: Sequence[nn.Module]) -> None:
    """Note which modules are not the same in training and in evaluation."""
    norms = [one for one in switches if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    evidence.has_switches, evidence.has_batch_norm = bool(switches), bool(norms)
    evidence.norm_momentum = max((one.momentum or 0.0 for one in norms if one.track_running_stats), default=0.0)
