"""What the experiments work on: a copy of the model, the user's loss and optimiser, and a few real batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from convergent.doctor.steps import first_tensor

Example = tuple[tuple[Any, ...], dict[str, Any], Any]
"""(args, kwargs) of the forward call, and what the loss got besides the output."""


@dataclass
class Subject:
    """A copy that may be changed in any way."""

    model: nn.Module
    initial_state: dict[str, Tensor] | None
    """Weights and buffers before the first step; None where the model is large."""
    loss: Callable[[Any, Any], Tensor]
    """(output, target) -> the loss as the user computes it."""
    train_batches: list[Example]
    make_optimizer: Callable[[nn.Module, float], torch.optim.Optimizer]
    """(model, factor on the learning rate) -> the user's optimiser without its state."""
    batch_size: int
    final_state: dict[str, Tensor] | None = None
    """Weights and buffers at the end, those of the program's own model: nothing here changes them. None: the copy's."""
    accumulates: int = 1
    """Batches whose gradients are summed for a step."""

    def forward(self, example: Example) -> Any:
        """Return the model's output for a batch."""
        args, kwargs, _ = example
        return self.model(*args, **kwargs)

    def loss_of(self, example: Example) -> Tensor:
        """Return the loss of a batch."""
        return self.loss(self.forward(example), example[2])

    def size_of(self, example: Example) -> int:
        """Return the samples of a batch; batches may differ, as an agent's and those of so many tokens do."""
        return size_of_batch(first_tensor(example[0], example[1]), self.batch_size)

    def to_start(self) -> None:
        """Set the copy back to the weights before the first step, where they are known."""
        if self.initial_state is not None:
            self.model.load_state_dict(self.initial_state, strict=False)


def first_output(output: Any) -> Tensor | None:
    """Return the first floating-point tensor of an output."""
    for leaf in pytree.tree_leaves(output):
        if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.ndim:
            return leaf
    return None


def batch_dimension(tensor: Tensor, batch_size: int) -> int | None:
    """Return which dimension of an input holds the samples: the first, or the second of sequence-first inputs.

    >>> batch_dimension(torch.zeros(8, 3), 8), batch_dimension(torch.zeros(5, 8, 3), 8)
    (0, 1)
    """
    sizes = tensor.shape[:2]
    return sizes.index(batch_size) if batch_size in sizes else None


def size_of_batch(inputs: Tensor | None, usual: int) -> int:
    """Return the usual size where an input has it in one of its first dimensions, else what its first one says.

    >>> size_of_batch(torch.zeros(5, 8, 3), 8), size_of_batch(torch.zeros(7, 3), 8)
    (8, 7)
    """
    known = inputs is None or not inputs.ndim or batch_dimension(inputs, usual) is not None
    return usual if known or inputs is None else len(inputs)


def rearranged(values: Any, batch_size: int, order: Tensor) -> Any:
    """Return nested containers with the samples of every tensor taken in `order`."""

    def take(tensor: Tensor) -> Tensor:
        dimension = batch_dimension(tensor, batch_size) if tensor.ndim else None
        return tensor if dimension is None else tensor.index_select(dimension, order.to(tensor.device))

    return pytree.tree_map_only(Tensor, take, values)
