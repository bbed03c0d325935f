"""Goes along into the processes that a program starts with `torch.multiprocessing.spawn`, and brings findings back.

Every rank is watched, for replicas compare their weights; the first alone is diagnosed, as the others train the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from convergent.doctor.attach import Restore, attach
from convergent.doctor.diagnose import diagnose
from convergent.doctor.show import plain
from convergent.doctor.watch import Watch
from convergent.types import Finding

STARTER = "start_processes"


class Accompanied:
    """A program's function for each process, under the doctor; it goes there by pickle, as the function itself does."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self.function, self.folder = function, folder

    def __call__(self, rank: int, *args: Any) -> Any:
        """Run the function; afterwards the first process writes down what was found."""
        watch = Watch(sees_backward=False)
        attach(watch)
        try:
            return self.function(rank, *args)
        finally:
            watch.close()
            if rank == 0:
                self._write(watch)

    def _write(self, watch: Watch) -> None:
        steps = max((probe.step for probe in watch.probes), default=0)
        found = {"steps": steps, "findings": [plain(one.model_dump()) for one in diagnose(watch)]}
        place = self.folder / f"{os.getpid()}.json"
        place.with_suffix(".part").write_text(json.dumps(found), encoding="utf-8")
        place.with_suffix(".part").rename(place)


def accompany(watch: Watch, folder: Path) -> None:
    """Have the processes that are started from now on watched too, until the watch closes; they write into `folder`."""

    def starter(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return original(Accompanied(fn, folder), *args, **kwargs)

        return call

    # `spawn` looks this one up in its own module; others call it from the package.
    for owner in (sys.modules[f"{torch.multiprocessing.__name__}.spawn"], torch.multiprocessing):
        watch.add_handle(Restore(owner, STARTER, starter))


def brought_back(folder: Path) -> tuple[Sequence[Finding], int]:
    """Return what was found in the processes, and the steps of the one that made most."""
    told = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    findings = [Finding.model_validate(one) for part in told for one in part["findings"]]
    return findings, max((int(part["steps"]) for part in told), default=0)
