"""Our own runs under treatment: a bad configuration ends well, and a kill within a trial loses nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import command, run_command
from convergent.config import make_config
from convergent.data.source import open_source
from convergent.engine.loop import Clock
from convergent.engine.plan import default_plan
from convergent.prepare import prepare
from convergent.report.progress import Progress
from convergent.run import train
from convergent.task import find_task
from convergent.treating import evenly, number_judged_by

BAD = [
    *("--model", "mlp", "--width", "32", "--learning-rate", "10", "--batch-size", "32", "--max-steps", "400"),
    *("--plan", "off", "--evaluate-every", "40"),
]


def result(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "result.json").read_text()))


def test_a_bad_learning_rate_is_treated_and_it_is_written_down(tmp_path: Path, few_images: Path) -> None:
    run, untreated = tmp_path / "run", tmp_path / "untreated"
    done = run_command("train", few_images, "--out", run, *BAD)
    assert done.returncode == 0, done.stderr
    run_command("train", few_images, "--out", untreated, *BAD, "--treat", "off")
    told = result(run)["treatments"]
    assert told and told[0]["kept"] and told[0]["untreated"]
    assert "treatment: kept" in done.stderr
    assert yaml.safe_load((run / "config.yaml").read_text())["learning_rate"] < 10
    assert result(run)["test"]["accuracy"] > result(untreated)["test"]["accuracy"] + 0.2
    page = (run / "report.html").read_text()
    assert "What was tried" in page and "What to change" in page
    kinds = [json.loads(line)["kind"] for line in (run / "journal.jsonl").read_text().splitlines()]
    assert "treatment" in kinds and "treated" in kinds


def test_what_is_shown_follows_the_training_that_was_kept(
    tmp_path: Path, few_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = []

    class Shown(Progress):
        def __init__(self, total_steps: Callable[[], int], *args: Any) -> None:
            totals.append(total_steps)
            super().__init__(total_steps, *args)

    monkeypatch.setattr("convergent.run.Progress", Shown)
    options = {"model": "mlp", "width": 32, "learning_rate": 10.0, "batch_size": 32, "plan": "off"}
    train(str(few_images), out=str(tmp_path / "run"), time_limit=12.0, epochs=100_000, **options)
    done = result(tmp_path / "run")
    assert done["treatments"][0]["kept"]
    assert totals[0]() == done["steps"]


def test_what_was_kept_trains_again_to_the_same_weights(tmp_path: Path, few_images: Path) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    assert run_command("train", few_images, "--out", run, *BAD).returncode == 0
    words = ["train", few_images, "--config", run / "config.yaml", "--plan", run / "plan.json", "--out", again]
    done = run_command(*words)
    assert done.returncode == 0, done.stderr
    assert result(run)["weights_sha256"] == result(again)["weights_sha256"]


def pending(run: Path) -> bool:
    try:
        return bool(json.loads((run / "treatment.json").read_text())["pending"])
    except (OSError, ValueError):
        return False


def test_killed_within_a_trial_and_resumed_ends_with_the_same_weights(tmp_path: Path, few_images: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_command("train", few_images, "--out", whole, *BAD).returncode == 0
    process = subprocess.Popen(
        command("train", few_images, "--out", killed, *BAD), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not pending(killed) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert not (killed / "result.json").exists()
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert result(killed)["weights_sha256"] == result(whole)["weights_sha256"]
    assert result(killed)["treatments"] == result(whole)["treatments"]


def test_treat_off_only_says_it(tmp_path: Path, few_images: Path) -> None:
    run = tmp_path / "run"
    done = run_command("train", few_images, "--out", run, *BAD, "--treat", "off")
    assert "treatment:" not in done.stderr and not (run / "treatment.json").exists()


def test_ask_without_a_terminal_is_refused_in_one_line(tmp_path: Path, few_images: Path) -> None:
    done = run_command("train", few_images, "--out", tmp_path / "run", *BAD, "--treat", "ask")
    assert done.returncode == 2 and "no terminal" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("steps", "judged"), [(10, 512), (400, 1024), (10_000, 2_000)])
def test_a_short_training_is_judged_by_few_samples(tmp_path: Path, steps: int, judged: int) -> None:
    config = make_config(task="tabular-classification", target="lettr", width=32, max_steps=steps, batch_size=128)
    task = find_task("tabular-classification")
    splits = task.load(open_source("sample:letter"), config)
    splits = replace(splits, valid=evenly(splits.valid, 2_000))
    prepared = prepare(tmp_path, task, splits, task.defaults(splits.spec, config), Clock(0.0))
    assert number_judged_by(prepared, default_plan(prepared.config, prepared.recipe.device).chosen) == judged
