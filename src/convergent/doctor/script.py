"""Runs somebody's PyTorch script, unchanged, under the doctor.

The models, optimisers, losses and evaluations are found while the script runs: by torch's global hooks on modules and
optimisers, and by the spotter. The script keeps its output, its arguments and its exit status.
"""

from __future__ import annotations

import functools
import os
import runpy
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from convergent.doctor.diagnose import diagnose
from convergent.doctor.watch import Watch
from convergent.types import Finding, UserError

SEARCH_STEPS = 3
"""Steps of a new optimiser for which every module call is looked at; later only the models that were found are."""


@dataclass(frozen=True)
class Visit:
    """What came of running a script."""

    script: str
    seconds: float
    findings: list[Finding]
    status: int
    """What the script would have exited with."""


class _Restore:
    """Undoes a replaced attribute."""

    def __init__(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        self.owner, self.name, self.before = owner, name, getattr(owner, name)
        setattr(owner, name, functools.wraps(self.before)(made(self.before)))

    def remove(self) -> None:
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
            return original(tensors, *args, **kwargs)

        return call

    def construct(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            search.start()
            return original(*args, **kwargs)

        return call

    def after_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        watch.after_step(optimizer)
        search.after_step()

    # Tensor.backward looks this one up at every call.
    watch.add_handle(_Restore(torch.autograd, "backward", backward))
    watch.add_handle(_Restore(torch.optim.Optimizer, "__init__", construct))
    watch.add_handle(register_optimizer_step_pre_hook(lambda optimizer, *_: watch.before_step(optimizer)))
    watch.add_handle(register_optimizer_step_post_hook(after_step))
    search.start()


def run_script(script: str, arguments: Sequence[str] = ()) -> Visit:
    """Run a script as `python script arguments` would, under the doctor, and return what was found.

    Raises UserError where there is no such file.
    """
    path = Path(script)
    if not path.is_file():
        raise UserError(f"{script}: there is no such file.")
    watch = Watch(sees_backward=False)
    attach(watch)
    process, started = os.getpid(), time.monotonic()
    argv, first = list(sys.argv), sys.path[0]
    sys.argv = [script, *arguments]
    sys.path[0] = str(path.resolve().parent)
    try:
        status = _run(path)
    finally:
        sys.argv, sys.path[0] = argv, first
        watch.close()
    if os.getpid() != process:
        # A child that the script forked and that came back here is not ours to report on.
        os._exit(status)
    seconds = time.monotonic() - started
    return Visit(script, seconds, diagnose(watch), status)


def _run(path: Path) -> int:
    """Run the script as the main program and return its exit status."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        print(leaving.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        traceback.print_exception(type(error), error, _below_runpy(error))
        return 1
    return 0


def _below_runpy(error: BaseException) -> Any:
    """Return the traceback from the script's own first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<frozen runpy"):
            while trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith("<frozen runpy"):
                trace = trace.tb_next
            return trace
        trace = trace.tb_next
    return error.__traceback__
