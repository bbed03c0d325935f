"""The journal: whole lines of valid JSON, cheap per step, readable after a kill and after a resume."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convergent.report.journal import Journal, read_journal
from convergent.types import EvalRecord, StepRecord


def step(number: int, loss: float = 1.0, norm: float | None = 2.0) -> StepRecord:
    grad_norm = None if norm is None else torch.tensor(norm)
    return StepRecord(number, 1, torch.tensor(loss), grad_norm, 0.01, 64)


def evaluation(number: int) -> EvalRecord:
    return EvalRecord(number, 1, "valid", {"accuracy": 0.9, "loss": 0.3}, "accuracy", True, 0.0)


def no_constants(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def test_a_line_sums_its_window_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, log_every=4) as journal:
        for i, loss in enumerate([4.0, 2.0, 1.0, 1.0, 9.0], start=1):
            journal.after_backward(i)
            journal.after_step(step(i, loss, norm=loss))
    first, rest = read_journal(path)
    assert (first["kind"], first["step"], first["epoch"], first["learning_rate"]) == ("step", 4, 1, 0.01)
    assert (first["loss"], first["loss_min"], first["loss_max"], first["grad_norm"]) == (2.0, 1.0, 4.0, 4.0)
    assert first["samples_per_second"] > 0 and first["time"] >= 0
    assert (rest["step"], rest["loss"]) == (5, 9.0)  # what was pending at the end


def test_an_evaluation_follows_its_steps_and_is_on_the_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, log_every=100) as journal:
        journal.after_step(step(1, norm=None))
        journal.after_evaluation(evaluation(1))
        kinds = [record["kind"] for record in read_journal(path)]
        assert kinds == ["step", "evaluation"]
        journal.write("checkpoint", step=1, path="checkpoints/last")
    records = read_journal(path)
    assert records[0]["grad_norm"] is None
    assert records[1]["metrics"] == {"accuracy": 0.9, "loss": 0.3} and records[1]["best"] is True
    assert records[2]["path"] == "checkpoints/last"


def test_the_seconds_of_an_evaluation_do_not_slow_the_samples_down(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, log_every=100) as journal:
        journal.after_step(step(1))
        time.sleep(0.05)
        journal.after_evaluation(evaluation(1)._replace(seconds=0.0499))
    assert read_journal(path)[0]["samples_per_second"] > 64 / 0.045


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_valid_json_and_come_back(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, log_every=2) as journal:
        journal.after_step(step(1, 1.0))
        journal.after_step(step(2, bad, norm=abs(bad)))
        journal.after_evaluation(evaluation(2)._replace(metrics={"loss": bad}))
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=no_constants)
    first, second = read_journal(path)
    assert str(first["loss"]) == str(bad) == str(second["metrics"]["loss"])
    assert str(first["grad_norm"]) == str(abs(bad))
    assert first["loss_min"] == (bad if bad < 0 else 1.0)


def test_a_line_that_a_kill_cut_short_is_passed_over_and_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind": "note", "text": "a", "time": 1.0}\n{"kind": "step", "step": 20, "lo')
    assert [record["text"] for record in read_journal(path)] == ["a"]
    with Journal(path, log_every=1) as journal:
        journal.write("note", text="b")
    assert [record["text"] for record in read_journal(path)] == ["a", "b"]


def test_a_resume_supersedes_later_steps_and_time_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = [{"kind": "step", "step": s, "loss": 1.0, "time": s / 10} for s in (10, 20, 30)]
    lines += [{"kind": "note", "text": "kept", "time": 3.0}, {"kind": "resume", "step": 20, "time": 0.5}]
    lines += [{"kind": "step", "step": s, "loss": 2.0, "time": s / 10 - 1.0} for s in (30, 40)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    records = read_journal(path)
    assert [(r["step"], r["loss"]) for r in records if r["kind"] == "step"] == [
        (10, 1.0),
        (20, 1.0),
        (30, 2.0),
        (40, 2.0),
    ]
    assert [r["text"] for r in records if r["kind"] == "note"] == ["kept"]
    times = [record["time"] for record in records]
    assert times == sorted(times)


def test_a_missing_journal_has_no_records(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "journal.jsonl") == []


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", log_every=10)
    journal.close()
    journal.close()


@given(st.binary(max_size=200))
def test_any_file_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "journal.jsonl"
    path.write_bytes(content)
    read_journal(path)


def test_a_step_is_cheap(tmp_path: Path) -> None:
    records = [step(i) for i in range(1, 2_001)]
    with Journal(tmp_path / "journal.jsonl", log_every=10) as journal:
        start = time.perf_counter()
        for record in records:
            journal.after_step(record)
        seconds = time.perf_counter() - start
    assert seconds / len(records) < 100e-6  # about 5 microseconds; the limit is for a busy machine
