"""What a network consists of: its layers with output shapes and parameters, seen in one forward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def num_parameters(model: nn.Module) -> int:
    """Return the number of parameters, tied ones counted once.

    >>> num_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def layers(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[dict[str, Any]]:
    """Return {name, type, output_shape, parameters} of every module that holds no others, in the order of use."""
    rows: list[dict[str, Any]] = []

    def note(name: str, module: nn.Module) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            shape = list(output.shape) if isinstance(output, Tensor) else []
            kind = type(module).__name__
            rows.append({"name": name, "type": kind, "output_shape": shape, "parameters": num_parameters(module)})

        return module.register_forward_hook(hook)

    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    handles = [note(name, module) for name, module in leaves]
    was_training = model.training
    try:
        model.eval()(*inputs)
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return rows
