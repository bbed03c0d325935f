"""A watched and treated run that is killed and resumed ends as one that was not: weights, treatments, findings."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from conftest import run_command

OPTIONS = [
    *("--model", "mlp", "--width", "32", "--batch-size", "32", "--plan", "off"),
    *("--evaluate-every", "20", "--checkpoint-every", "7", "--preflight", "off"),
]
KEPT = ["--max-steps", "200", "--learning-rate", "1e-5"]
"""One trial, of which a remedy is kept."""
IN_VAIN = ["--max-steps", "200", "--learning-rate", "1e-5", "--treat-budget", "0.15"]
"""Two trials, too short to show anything: no remedy is kept, and there are findings to the end."""
KILLED = -signal.SIGKILL


def end(run: Path) -> dict[str, Any]:
    result = json.loads((run / "result.json").read_text())
    findings = json.loads((run / "findings.json").read_text())
    panels = [one for one in json.loads((run / "panels.json").read_text()) if one["section"] in ("doctor", "treatment")]
    kept = {key: result[key] for key in ("weights_sha256", "treatments", "steps", "best_step", "test")}
    return {**kept, "findings": findings, "panels": panels}


def equal(run: Path, other: Path) -> None:
    one, two = end(run), end(other)
    for key in one:
        assert one[key] == two[key], key


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, few_images: Path) -> Path:
    """Return a folder of runs, `whole` and killed ones of the same options."""
    folder = tmp_path_factory.mktemp("runs")
    train: list[str | Path] = ["train", few_images, *OPTIONS]
    kept, vain = [folder / f"kept-{name}" for name in ("whole", "killed")], folder / "vain-whole"
    killed = folder / "vain-killed"
    jobs: list[tuple[list[str | Path], str | None]] = [
        ([*train, *KEPT, "--out", kept[0]], None),
        ([*train, *KEPT, "--out", kept[1]], "step 17"),  # before the first mark
        (["resume", kept[1]], "trial 2"),
        (["resume", kept[1]], "kept"),  # between the winner's configuration and its first checkpoint
        (["resume", kept[1]], "step 80"),  # after a treatment
        (["resume", kept[1]], None),
        ([*train, *IN_VAIN, "--out", vain], None),
        ([*train, *IN_VAIN, "--out", killed], "step 26"),  # between two marks
        (["resume", killed], "step 77"),  # after a trial in vain
        (["resume", killed], None),
    ]
    for words, at in jobs:
        done = run_command(*words, at=at)
        assert done.returncode == (KILLED if at else 0), (words, at, done.stderr)
    return folder


def test_killed_before_a_mark_within_a_trial_and_after_it(runs: Path) -> None:
    assert [one["kept"] for one in end(runs / "kept-whole")["treatments"]] != [[]]
    equal(runs / "kept-killed", runs / "kept-whole")


def test_killed_between_marks_and_after_a_trial_in_vain(runs: Path) -> None:
    whole = end(runs / "vain-whole")
    assert whole["findings"] and whole["treatments"] and not any(one["kept"] for one in whole["treatments"])
    equal(runs / "vain-killed", runs / "vain-whole")


def test_a_checkpoint_without_what_the_doctor_saw_is_gone_on_with_and_it_is_said(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "old"
    shutil.copytree(runs / "kept-whole", run)
    (run / "treatment.json").unlink()
    for manifest in (run / "checkpoints").glob("step-*/manifest.json"):
        content = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({key: value for key, value in content.items() if key != "doctor"}))
    done = run_command("resume", run)
    assert done.returncode == 0, done.stderr
    assert "nothing of what the doctor had seen" in done.stderr
    assert json.loads((run / "result.json").read_text())["weights_sha256"] == end(runs / "kept-whole")["weights_sha256"]


def test_a_treated_run_that_was_moved_keeps_its_checkpoints(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "moved"
    shutil.copytree(runs / "kept-whole", run)
    done = run_command("resume", run)
    assert done.returncode == 0 and "resuming at step 200" in done.stderr, done.stderr
    equal(run, runs / "kept-whole")
