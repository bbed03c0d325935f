"""Convergent trains the right network for your data with the field's best practice, and shows how good it is.

The public names are loaded when they are first used, so that `import convergent` and the command line stay light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from convergent.config import Config
    from convergent.doctor.doctor import Doctor
    from convergent.run import resume, train
    from convergent.task import Task
    from convergent.trained import Run, load
    from convergent.trainer import Trainer
    from convergent.types import Finding, Observer, UserError

_HOMES = {
    "Config": "config",
    "Doctor": "doctor.doctor",
    "Finding": "types",
    "Observer": "types",
    "Run": "trained",
    "Task": "task",
    "Trainer": "trainer",
    "UserError": "types",
    "load": "trained",
    "resume": "run",
    "train": "run",
}
__all__ = ["Config", "Doctor", "Finding", "Observer", "Run", "Task", "Trainer", "UserError", "load", "resume", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `convergent` has no attribute `{name}`")
    return getattr(importlib.import_module(f"convergent.{_HOMES[name]}"), name)
