"""Runs on one machine share its cores, and a dead one takes none."""

from __future__ import annotations

import os
import subprocess
import sys

from convergent.engine import threads

HOLD = "from convergent.engine.threads import claim_core_share; claim_core_share(); print('held', flush=True); input()"


def test_other_runs_are_counted_while_they_live() -> None:
    before = threads.other_runs()
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    assert threads.other_runs() == before + 1
    process.kill()
    process.communicate()
    assert threads.other_runs() == before


def test_threads_never_exceed_what_the_environment_allows(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads.free_threads() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= threads.free_threads() <= (os.cpu_count() or 1)
