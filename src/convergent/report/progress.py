"""What a person sees while it trains: a live display on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from convergent.types import EvalRecord, StepRecord

REFRESH_SECONDS = 0.2
PLAIN_SECONDS = 10.0
SMOOTH_STEPS = 50
SPEED_SECONDS = 20.0


class Progress:
    """An observer that shows epoch, step, loss, metric, speed, learning rate and time left.

    `total_steps` is asked for at each refresh, for a time limit changes it. A step costs a look at the clock: the loss
    is read back from the device at a refresh only. The loss that is shown is the mean of the last 50 steps.
    """

    def __init__(
        self,
        total_steps: Callable[[], int],
        steps_per_epoch: int,
        metric_name: str,
        higher_is_better: bool,
        console: Console | None = None,
    ) -> None:
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._metric_name = metric_name
        self._higher_is_better = higher_is_better
        self._console = console or Console(stderr=True)
        self._live = self._start_live()
        self._every = REFRESH_SECONDS if self._live else PLAIN_SECONDS
        self._record: StepRecord | None = None
        self._losses: deque[Any] = deque(maxlen=SMOOTH_STEPS)
        self._loss = math.nan
        self._metric = self._best = math.nan
        self._samples = 0
        self._paused = 0.0
        self._next = 0.0
        self._marks: deque[tuple[float, int, int, float]] = deque()  # (clock, step, samples, paused) at refreshes

    def after_backward(self, step: int) -> None:
        """Do nothing: the display reads no gradients."""

    def after_step(self, record: StepRecord) -> None:
        """Take note of the step, and redraw where it is time to."""
        self._record = record
        self._losses.append(record.loss)
        self._samples += record.samples
        now = time.perf_counter()
        if now >= self._next:
            self._refresh(now)

    def after_evaluation(self, record: EvalRecord) -> None:
        """Print the line of an evaluation; the metric of the validation split stays in the display."""
        self._paused += record.seconds
        if record.split == "valid" and self._metric_name in record.metrics:
            self._metric = record.metrics[self._metric_name]
            if math.isnan(self._best) or (self._metric > self._best) == self._higher_is_better:
                self._best = self._metric
        self._measure(time.perf_counter())
        self.note(self._evaluation_line(record))
        if self._live:
            self._live.update(self._display(), refresh=True)

    def note(self, text: str) -> None:
        """Print a message, above the live display where there is one."""
        self._console.print(Text(text), soft_wrap=not self._live, highlight=False)

    def begin_anew(self) -> None:
        """Forget the losses: another training has taken the place of the one that made them."""
        self._losses.clear()
        self._loss = math.nan

    def close(self) -> None:
        """Draw the last state and give the terminal back; a second call does nothing."""
        if self._live and self._live.is_started:
            self._measure(time.perf_counter())
            self._live.update(self._display(), refresh=True)
            self._live.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_live(self) -> Live | None:
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            return None
        # What is printed to a standard output that is a file belongs there, not to the terminal.
        live = Live(console=self._console, auto_refresh=False, redirect_stdout=sys.stdout.isatty())
        live.start()
        return live

    def _refresh(self, now: float) -> None:
        first = not self._marks
        self._next = now + self._every
        self._measure(now)
        if self._live:
            self._live.update(self._display(), refresh=True)
        elif not first:  # after one step there is nothing to say yet
            self.note(self._step_line())

    def _measure(self, now: float) -> None:
        """Read the losses back and mark the clock; only the last seconds count for the speed."""
        import torch

        if self._record is None:
            return
        if self._losses:
            with torch.no_grad():
                self._loss = torch.stack(list(self._losses)).float().mean().item()
        self._marks.append((now, self._record.step, self._samples, self._paused))
        while len(self._marks) > 2 and self._marks[1][0] < now - SPEED_SECONDS:
            self._marks.popleft()

    def _speed(self) -> tuple[float, float]:
        """Return samples a second of training, and seconds left with the evaluations in between."""
        if len(self._marks) < 2 or self._marks[-1][1] <= self._marks[0][1]:
            return math.nan, math.nan
        (start, first, samples_before, paused_before), (end, last, samples, paused) = self._marks[0], self._marks[-1]
        training = max(end - start - (paused - paused_before), 1e-9)
        left = max(self._total_steps() - last, 0) * (end - start) / (last - first)
        return (samples - samples_before) / training, left

    def _display(self) -> Group | Text:
        if self._record is None:
            return Text("waiting for the first step", style="dim")
        done = min(self._record.step / max(self._total_steps(), 1), 1.0)
        upper = Table.grid(padding=(0, 2), expand=True)
        upper.add_column(no_wrap=True)
        upper.add_column(ratio=1)
        upper.add_column(no_wrap=True, justify="right")
        upper.add_row(
            Text(self._epoch(), style="bold"),
            ProgressBar(total=1.0, completed=done, complete_style="cyan", finished_style="green"),
            Text.assemble(f"step {self._steps()}  {done:.0%}  ", (self._time_left(), "bold")),
        )
        pieces = [("loss", number(self._loss)), *self._metric_pieces()]
        pieces += [("samples/s", f"{self._speed()[0]:,.0f}" if len(self._marks) > 1 else "–")]
        pieces += [("lr", f"{self._record.learning_rate:.2g}")]
        lower = Text(no_wrap=True, overflow="ellipsis")
        for name, value in pieces:
            lower.append(f"{name} ", style="dim").append(value, style="cyan").append("   ")
        return Group(upper, lower)

    def _metric_pieces(self) -> list[tuple[str, str]]:
        if math.isnan(self._metric):
            return []
        return [(self._metric_name, f"{number(self._metric)} (best {number(self._best)})")]

    def _epoch(self) -> str:
        assert self._record
        epochs = math.ceil(self._total_steps() / max(self._steps_per_epoch, 1))
        return f"epoch {min(math.ceil(self._record.step / max(self._steps_per_epoch, 1)), epochs)}/{epochs}"

    def _steps(self) -> str:
        assert self._record
        return f"{self._record.step:,}/{self._total_steps():,}"

    def _time_left(self) -> str:
        left = self._speed()[1]
        return "" if math.isnan(left) else f"{duration(left)} left"

    def _step_line(self) -> str:
        assert self._record
        speed = self._speed()[0]
        pieces = [self._epoch(), f"step {self._steps()}", f"loss {number(self._loss)}"]
        pieces += [] if math.isnan(speed) else [f"{speed:,.0f} samples/s"]
        return "  ".join([*pieces, f"lr {self._record.learning_rate:.2g}", self._time_left()]).rstrip()

    def _evaluation_line(self, record: EvalRecord) -> str:
        shown = list(dict.fromkeys([self._metric_name, record.monitored, "loss"]))
        values = [f"{name} {number(record.metrics[name])}" for name in shown if name in record.metrics]
        pieces = [self._epoch() if self._record else f"epoch {record.epoch}", f"step {record.step:,}"]
        pieces += [f"loss {number(self._loss)}"] if self._record else []
        pieces += [f"{record.split}: {', '.join(values)}"]
        return "  ".join([*pieces, "best" if record.best else ""]).rstrip()


def number(value: float) -> str:
    """Return a number in the few characters that a line has for it.

    >>> number(0.91234), number(532.1234), number(12345.6), number(0.0000123)
    ('0.9123', '532.1', '12,346', '1.2e-05')
    """
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < size < 0.001 else f"{value:.4f}" if size < 10 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Return seconds as a clock shows them.

    >>> duration(42), duration(754), duration(3_725)
    ('0:42', '12:34', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
