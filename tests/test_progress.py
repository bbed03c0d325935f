"""The progress: plain lines without escape codes in a file, a live display on a terminal, cheap per step."""

from __future__ import annotations

import io
import math
import time

import pytest
import torch
from rich.console import Console

from convergent.report import progress as module
from convergent.report.progress import Progress
from convergent.types import EvalRecord, StepRecord


def step(number: int, loss: float = 0.5) -> StepRecord:
    return StepRecord(number, 1 + number // 100, torch.tensor(loss), None, 0.001, 64)


def evaluation(number: int, accuracy: float, best: bool = True) -> EvalRecord:
    return EvalRecord(number, 1, "valid", {"accuracy": accuracy, "loss": 0.3}, "accuracy", best, 0.01)


def file_console() -> Console:
    return Console(file=io.StringIO(), width=200)


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=24, _environ={"TERM": "xterm-256color"})


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_name_everything_and_hold_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLAIN_SECONDS", 0.0)
    console = file_console()
    with Progress(lambda: 300, 100, "accuracy", True, console) as progress:
        for number in range(1, 151):
            progress.after_backward(number)
            progress.after_step(step(number))
        progress.after_evaluation(evaluation(150, 0.91))
        progress.note("stopped early [no markup]")
    text = written(console)
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[-1] == "stopped early [no markup]"
    assert lines[-2] == "epoch 2/3  step 150  loss 0.5000  valid: accuracy 0.9100, loss 0.3000  best"
    assert lines[-3].startswith("epoch 2/3  step 150/300  loss 0.5000") and "left" in lines[-3]


def test_a_file_gets_a_line_in_ten_seconds_not_one_a_step() -> None:
    console = file_console()
    with Progress(lambda: 300, 100, "accuracy", True, console) as progress:
        for number in range(1, 200):
            progress.after_step(step(number))
    assert written(console) == ""


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_the_state_in_two_lines(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0.0)
    console = terminal(width)
    with Progress(lambda: 12_000, 1_000, "accuracy", True, console) as progress:
        for number in range(1, 40):
            progress.after_step(step(number))
        progress.after_evaluation(evaluation(39, 0.91))
        shown = Console(file=io.StringIO(), width=width)
        shown.print(progress._display())
    lines = written(shown).splitlines()
    assert len(lines) == 2 and all(len(line) <= width for line in lines)
    assert "epoch 1/12" in lines[0] and "39/12,000" in lines[0] and "left" in lines[0]
    assert "accuracy 0.9100 (best 0.9100)" in lines[1] and "samples/s" in lines[1] and "lr 0.001" in lines[1]
    assert written(console).endswith("\x1b[?25h")  # the cursor is back


@pytest.mark.parametrize(("higher", "best"), [(True, 0.9), (False, 0.7)])
def test_the_best_is_by_the_metric_s_direction(higher: bool, best: float) -> None:
    progress = Progress(lambda: 300, 100, "accuracy", higher, file_console())
    for number, accuracy in ((100, 0.8), (200, 0.9), (300, 0.7)):
        progress.after_evaluation(evaluation(number, accuracy))
    assert progress._best == best


def test_the_number_of_steps_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLAIN_SECONDS", 0.0)
    console = file_console()
    total = [300]
    progress = Progress(lambda: total[0], 100, "accuracy", True, console)
    progress.after_step(step(1))
    progress.after_step(step(2))
    total[0] = 200
    progress.after_step(step(3))
    assert "epoch 1/2  step 3/200" in written(console)


def test_speed_and_time_left_come_from_the_last_seconds_and_count_evaluations_apart() -> None:
    progress = Progress(lambda: 100, 100, "accuracy", True, file_console())
    progress._marks.extend([(0.0, 10, 640, 0.0), (10.0, 30, 1_920, 5.0)])
    samples_per_second, left = progress._speed()
    assert (samples_per_second, left) == (1_280 / 5.0, 35.0)


def test_a_loss_that_is_nan_is_shown() -> None:
    console = terminal(100)
    with Progress(lambda: 10, 10, "accuracy", True, console) as progress:
        progress.after_step(step(1, math.nan))
    assert "nan" in written(console)


def test_a_step_is_cheap() -> None:
    progress = Progress(lambda: 10_000, 100, "accuracy", True, file_console())
    records = [step(i) for i in range(1, 2_001)]
    start = time.perf_counter()
    for record in records:
        progress.after_step(record)
    assert (time.perf_counter() - start) / len(records) < 50e-6


def test_losses_of_a_training_that_was_replaced_are_forgotten() -> None:
    console = file_console()
    with Progress(lambda: 300, 100, "accuracy", True, console) as progress:
        for number in range(1, 20):
            progress.after_step(step(number, 1e18))
        progress.begin_anew()
        progress.after_step(step(20, 0.25))
        progress.after_evaluation(evaluation(20, 0.9))
    assert "loss 0.2500" in written(console).splitlines()[-1]
