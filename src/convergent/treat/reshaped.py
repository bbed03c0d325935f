"""Changes of a module's shape: residual connections, other widths, gates in recurrent layers, norms of another kind.

Residual connections: He et al. 2016, https://arxiv.org/abs/1512.03385. Group norm: Wu and He 2018,
https://arxiv.org/abs/1803.08494. GRU: Cho et al. 2014, https://arxiv.org/abs/1406.1078.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from convergent.treat.surgery import LINEAR, NORMS, put

GROUPS = 8
WIDER, LEAST_WIDTH = 4, 64
MOST_WIDTH = 1024


class Residual(nn.Module):
    """x + net(x), where the shapes allow it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return x + net(x)."""
        y: Tensor = self.net(x)
        return x + y if y.shape == x.shape else y


def insert_residuals(model: nn.Module) -> nn.Module | None:
    """Return the model with x + f(x) around each layer and its activation in a Sequential that keep the width."""
    found = 0
    for parent in list(model.modules()):
        if isinstance(parent, nn.Sequential) and not isinstance(parent, Residual):
            children = list(parent.children())
            groups = _groups(children)
            if any(isinstance(group, Residual) for group in groups):
                found += sum(isinstance(group, Residual) for group in groups)
                _refill(parent, groups)
    return model if found else None


def _groups(children: list[nn.Module]) -> list[nn.Module]:
    groups: list[nn.Module] = []
    place = 0
    while place < len(children):
        end = place + 1
        while end < len(children) and not _has_layer(children[end]):
            end += 1
        group = children[place:end]
        keeps = _keeps_width(children[place]) and end < len(children) and len(group) > 1
        groups += [Residual(nn.Sequential(*group))] if keeps else group
        place = end
    return groups


def _has_layer(module: nn.Module) -> bool:
    return any(True for _ in module.parameters()) and not isinstance(module, NORMS)


def _keeps_width(module: nn.Module) -> bool:
    first = next((m for m in module.modules() if isinstance(m, LINEAR)), None)
    if isinstance(first, nn.Linear):
        return first.in_features == first.out_features
    if isinstance(first, nn.modules.conv._ConvNd):
        return first.in_channels == first.out_channels and set(first.stride) == {1}
    return False


def _refill(parent: nn.Sequential, groups: list[nn.Module]) -> None:
    for name in list(parent._modules):
        del parent._modules[name]
    for number, module in enumerate(groups):
        parent.add_module(str(number), module)


def gate_recurrences(model: nn.Module) -> nn.Module | None:
    """Return the model with each plain recurrent layer exchanged for a GRU of its sizes; None where it has none."""
    plain = [(name, module) for name, module in model.named_modules() if type(module) is nn.RNN]
    for name, old in plain:
        new = nn.GRU(
            old.input_size, old.hidden_size, old.num_layers, bias=old.bias, batch_first=old.batch_first,
            dropout=old.dropout, bidirectional=old.bidirectional,
        )  # fmt: skip
        put(model, name, new)
    return model if plain else None


def group_norms(model: nn.Module) -> nn.Module | None:
    """Return the model with batch norms exchanged for group norms, which know no batch; None where it has none."""
    found = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for name, old in found:
        put(model, name, nn.GroupNorm(math.gcd(GROUPS, old.num_features), old.num_features))
    return model if found else None


def widen(model: nn.Module) -> nn.Module | None:
    """Return a plain stack of linear layers with wider hidden ones; None for any other network, or a wide one."""
    layers = plain_stack(model)
    if not layers or max(one.out_features for one in layers[:-1]) >= MOST_WIDTH:
        return None
    return _with_widths(model, layers, lambda width: max(LEAST_WIDTH, WIDER * width))


def narrow(model: nn.Module) -> nn.Module | None:
    """Return a plain stack of linear layers with a quarter of the hidden units; None for others, and narrow ones."""
    layers = plain_stack(model)
    if not layers or min(one.out_features for one in layers[:-1]) < LEAST_WIDTH:
        return None
    return _with_widths(model, layers, lambda width: width // WIDER)


def plain_stack(model: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of a Sequential that has weights in nothing else, where there are two or more."""
    layers = [m for m in model.children() if isinstance(m, nn.Linear)]
    plain = isinstance(model, nn.Sequential) and all(not list(m.parameters()) for m in model if m not in layers)
    return layers if plain and len(layers) > 1 else []


def _with_widths(model: nn.Module, layers: list[nn.Linear], width_of: Callable[[int], int]) -> nn.Module:
    before = layers[0].in_features
    for name, old in list(model.named_children()):
        if isinstance(old, nn.Linear):
            width = old.out_features if old is layers[-1] else width_of(old.out_features)
            put(model, name, nn.Linear(before, width, bias=old.bias is not None))
            before = width
    return model
