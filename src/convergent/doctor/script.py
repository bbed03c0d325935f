"""Runs somebody's PyTorch script, unchanged, under the doctor.

The script keeps its output, its arguments and its exit status.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convergent.doctor.attach import attach
from convergent.doctor.diagnose import diagnose
from convergent.doctor.rank import SEVERITIES
from convergent.doctor.spawned import accompany, brought_back
from convergent.doctor.watch import Watch
from convergent.types import Finding, UserError


@dataclass(frozen=True)
class Visit:
    """What came of running a script."""

    script: str
    seconds: float
    findings: list[Finding]
    steps: int
    """Steps of the model that made most."""
    status: int
    """What the script would have exited with."""


def run_script(script: str, arguments: Sequence[str] = ()) -> Visit:
    """Run a script as `python script arguments` would, under the doctor, and return what was found.

    Raises UserError where there is no such file.
    """
    path = Path(script)
    if not path.is_file():
        raise UserError(f"{script}: there is no such file.")
    with tempfile.TemporaryDirectory(prefix="convergent-") as folder:
        return _visit(path, arguments, Path(folder))


def _visit(path: Path, arguments: Sequence[str], folder: Path) -> Visit:
    script = str(path)
    watch = Watch(sees_backward=False)
    attach(watch)
    accompany(watch, folder)
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
    elsewhere, steps = brought_back(folder)
    findings = sorted([*diagnose(watch), *elsewhere], key=lambda one: SEVERITIES[one.severity])
    return Visit(script, seconds, findings, max([steps, *(probe.step for probe in watch.probes)]), status)


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
