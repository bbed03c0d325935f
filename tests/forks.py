"""Runs command lines, each in a process of its own that is a fork of one with everything imported already.

It reads a job a line, {"words", "cwd", "out", "err", "at"}, and answers with the child's process id, and then with how
it ended. `at` says where the child kills itself: `step N`, after the main training's step N; `trial N`, after N
candidates of a trial have come to their next mark; `kept`, after a trial's winner became the run's configuration and
before its first checkpoint; null for nowhere.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import convergent.run  # what each fork would import anew
import convergent.treat.trial
import convergent.treating
from convergent.cli import main
from convergent.report.journal import Journal

LONGEST = 300
"""Seconds after which a command line is killed by the alarm."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(call: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the call with a kill after it has been made `count` times."""
    made = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        result = call(*args, **kwargs)
        made += 1
        if made == count:
            die()
        return result

    return counted


def prepare_to_die(at: str) -> None:
    kind, _, count = at.partition(" ")
    if kind == "step":
        seen = Journal.after_step

        def after_step(self: Journal, record: Any) -> None:
            seen(self, record)
            if record.step == int(count):
                die()

        Journal.after_step = after_step  # type: ignore[method-assign]
    elif kind == "trial":
        contest = convergent.treat.trial.Contest
        contest.advance = after(contest.advance, int(count))  # type: ignore[method-assign]
    elif kind == "kept":
        convergent.treating.become = after(convergent.treating.become, 1)


def child(job: dict[str, Any]) -> int:
    """Run a command line with its streams in files; return its exit status."""
    signal.alarm(LONGEST)
    for stream, path in ((0, os.devnull), (1, job["out"]), (2, job["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    try:
        os.chdir(job["cwd"])
        if job["at"]:
            prepare_to_die(job["at"])
        return main(job["words"])
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1


def serve() -> None:
    """Run one job after another, until there are no more."""
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            status = child(job)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
