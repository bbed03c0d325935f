"""A network whose forward pass calls other functions than it was written with: for activations that are no modules.

`torch.sigmoid(self.hidden(x))` in somebody's `forward` can't be exchanged as a module can; a TorchFunctionMode around
the forward pass can answer the call with another function. Calls are known by their number within a forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

BOUNDED = frozenset({"sigmoid", "tanh", "hardtanh", "hardsigmoid", "softsign"})
RECTIFIERS = frozenset({"relu", "relu6"})
SMOOTH = frozenset({"gelu", "silu", "elu", "selu", "leaky_relu", "celu", "mish", "softplus", "hardswish"})
ENDS = frozenset({"softmax", "log_softmax", "softmin"})
NAMES = BOUNDED | RECTIFIERS | SMOOTH | ENDS

REPLACEMENTS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "gelu": F.gelu,
    "identity": lambda x: x,
}


def activation_name(function: Any) -> str:
    """Return the standard name of an activation function of torch, or nothing.

    >>> import torch
    >>> activation_name(torch.Tensor.sigmoid_), activation_name(torch.matmul)
    ('sigmoid', '')
    """
    name = getattr(function, "__name__", "").strip("_")
    return name if name in NAMES else ""


class Calls(TorchFunctionMode):
    """Notes the activation functions that a forward pass calls, and which of their results became its output."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.last: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function and note it."""
        result = func(*args, **(kwargs or {}))
        name = activation_name(func)
        if name and isinstance(result, Tensor):
            self.names.append(name)
            self.last = [result]
        return result


class _Exchange(TorchFunctionMode):
    def __init__(self, instead: Mapping[int, str]) -> None:
        super().__init__()
        self.instead, self.count = instead, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if activation_name(func):
            self.count += 1
            if self.count - 1 in self.instead:
                return REPLACEMENTS[self.instead[self.count - 1]](args[0] if args else (kwargs or {})["input"])
        return func(*args, **(kwargs or {}))


class Rewritten(nn.Module):
    """`net` with some of its activation calls answered by others.

    instead   number of the call within a forward pass -> name of the function that answers it

    >>> import torch
    >>> net = Rewritten(nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()), {0: "identity"})
    >>> x = torch.randn(3, 2); bool((net(x) == net.net[0](x)).all())
    True
    """

    def __init__(self, net: nn.Module, instead: Mapping[int, str]) -> None:
        super().__init__()
        self.net, self.instead = net, dict(instead)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the network returns."""
        with _Exchange(self.instead):
            return self.net(*args, **kwargs)
