"""Connects a watch to everything that trains in this process: models, optimisers and backward passes are found.

By torch's global hooks on modules and optimisers, and by three replaced functions that are put back at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from convergent.doctor.watch import Watch

SEARCH_STEPS = 3
"""Steps of a new optimiser for which every module call is looked at; later only the models that were found are."""


class Restore:
    """Undoes a replaced attribute."""

    def __init__(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        self.owner, self.name, self.before = owner, name, getattr(owner, name)
        setattr(owner, name, functools.wraps(self.before)(made(self.before)))

    def remove(self) -> None:
        """Put the attribute back as it was."""
        setattr(self.owner, self.name, self.before)


class Search:
    """Finds the models that a program trains: outermost modules that run with gradients and have weights."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.depth = 0
        self.steps_left = SEARCH_STEPS
        self._known: set[int] = set()
        self._keep: list[nn.Module] = []
        self._handles: list[Any] = []

    def start(self) -> None:
        """Look at every module call from now on."""
        self.steps_left = SEARCH_STEPS
        self.depth = 0
        if not self._handles:
            before = register_module_forward_pre_hook(self._enter)
            # Also where the forward pass raises, or the depth would be lost.
            after = register_module_forward_hook(self._leave, always_call=True)
            self._handles = [before, after]

    def remove(self) -> None:
        """Look no more."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def after_step(self) -> None:
        """Stop looking after a few steps."""
        self.steps_left -= 1
        if self.steps_left <= 0:
            self.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        if torch.compiler.is_compiling():
            return
        self.depth += 1
        if self.depth > 1 or id(module) in self._known or not torch.is_grad_enabled():
            return
        if any(parameter.requires_grad for parameter in module.parameters()):
            self._known.add(id(module))
            self._keep.append(module)
            self.watch.add_model(module)
            # Keyword arguments of this first call are not told to global hooks; the spotter sees their use.
            self.watch.before_forward(module, args, {})

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if not torch.compiler.is_compiling():
            self.depth = max(0, self.depth - 1)


def attach(watch: Watch) -> None:
    """Connect a watch to everything in this process that trains."""
    search = Search(watch)
    watch.add_handle(search)

    def backward(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            first = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
            if isinstance(first, Tensor):
                watch.note_backward(first)
            result = original(tensors, *args, **kwargs)
            watch.after_backward()
            return result

        return call

    def construct(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            search.start()
            return original(*args, **kwargs)

        return call

    def after_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        watch.after_step(optimizer)
        search.after_step()

    def evaluate(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(module: nn.Module) -> Any:
            watch.note_evaluated(module)
            return original(module)

        return call

    watch.add_handle(Restore(nn.Module, "eval", evaluate))
    # Tensor.backward looks this one up at every call.
    watch.add_handle(Restore(torch.autograd, "backward", backward))
    watch.add_handle(Restore(torch.optim.Optimizer, "__init__", construct))
    watch.add_handle(register_optimizer_step_pre_hook(lambda optimizer, *_: watch.before_step(optimizer)))
    watch.add_handle(register_optimizer_step_post_hook(after_step))
    search.start()
