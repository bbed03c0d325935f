"""Contestants in processes of their own, woken in turns: what runs at the same time as one never runs beside another.

A contestant trains for ever. After each block of steps it tells how long the block took, and waits for the word to go
on. So start-up, compiling and the first steps are outside of every measurement, each library keeps its own threads
and settings, and a change of the machine's speed in the course of a minute strikes all contestants alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PATIENCE = 300.0
PAUSE = 0.05


class Gate:
    """The contestant's side: counts steps, and after each block answers and waits.

    `say` puts what else is to be known (the plan, say) into the first answer.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.count = steps, 0
        self.said: dict[str, Any] = {}
        self.born = self.started = time.perf_counter()
        self.first = True
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what a library prints must not be taken for an answer

    def say(self, **facts: Any) -> None:
        """Add facts to the next answer."""
        self.said |= facts

    def ready(self) -> None:
        """Count the time from here: imports, model and data are no part of the first block."""
        self.started = time.perf_counter()

    def step(self) -> None:
        """Note that a step is done."""
        self.count += 1
        if self.count == 1 and self.first:
            self.say(first_step_seconds=time.perf_counter() - self.born)
        if self.count == self.steps:
            self.block()

    def block(self) -> None:
        """Answer with the milliseconds of a step in this block, and wait for the word to go on."""
        milliseconds = (time.perf_counter() - self.started) / self.steps * 1e3
        self.answers.write(json.dumps({"milliseconds": milliseconds, **self.said}) + "\n")
        self.answers.flush()
        self.said, self.first = {}, False
        if sys.stdin.readline().strip() != "go":
            os._exit(0)  # in the middle of a training there is no other way out that every library lets pass
        self.count = 0
        self.started = time.perf_counter()


class Worker:
    """The benchmark's side of a contestant: a process that runs one block at a time."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip

    def answer(self) -> dict[str, Any]:
        """Return the answer of the block under way; raises RuntimeError with the last words of one that died.

        One that takes longer than PATIENCE is killed.
        """
        assert self.process.stdout
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{last[0] if last else 'died'} (status {self.process.returncode})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run_block(self) -> float:
        """Run a block and return the milliseconds of a step; raises RuntimeError where the process has died."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # the answer then says why
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        return float(self.answer()["milliseconds"])

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


def alternate(
    contestants: dict[str, tuple[list[str], dict[str, str]]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]], dict[str, str]]:
    """Return (milliseconds a step by round, what each said at its start, why some did not run), all by name.

    The first block of each is not counted. Every second round goes backwards, so that nobody always follows the same.
    """
    workers: dict[str, Worker] = {}
    said: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    try:
        for name, (command, environment) in contestants.items():
            print(f"starting {name}", file=sys.stderr)
            workers[name] = Worker(command, environment)
            try:
                said[name] = workers[name].answer()
            except RuntimeError as error:
                failed[name] = str(error)
        times: dict[str, list[float]] = {name: [] for name in said}
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for name in list(times) if number % 2 == 0 else list(times)[::-1]:
                time.sleep(PAUSE)
                try:
                    times[name].append(workers[name].run_block())
                except RuntimeError as error:
                    failed[name] = str(error)
                    del times[name]
    finally:
        for worker in workers.values():
            worker.stop()
    return times, said, failed


def ratio(times: dict[str, list[float]], name: str, reference: str) -> float | None:
    """Return the median over the rounds of one contestant's time by another's in the same round."""
    if name not in times or reference not in times:
        return None
    return statistics.median(a / b for a, b in zip(times[name], times[reference], strict=True))


def spread(values: list[float]) -> str:
    """Return the middle half of the values as text."""
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"{low:.3g}–{high:.3g}"


def python(script: str, *words: str) -> list[str]:
    """Return the command that runs a benchmark's script as a contestant."""
    return [sys.executable, str(Path(__file__).resolve().parent / script), *words]
