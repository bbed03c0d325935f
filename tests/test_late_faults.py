"""Our own runs with a fault that comes in mid-training: back to the last healthy state, and on with a remedy."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from conftest import command, run_command
from convergent.engine.checkpoint import checkpoints
from test_treating import pending, result

RISING = [
    *("--model", "mlp", "--width", "32", "--optimizer", "sgd", "--learning-rate", "30", "--warmup", "0.95"),
    *("--batch-size", "32", "--max-steps", "400", "--plan", "off", "--evaluate-every", "20"),
]
"""The learning rate rises all the way: it is a good one at first."""


def test_a_fault_in_mid_training_is_treated_from_the_last_healthy_state(tmp_path: Path, few_images: Path) -> None:
    run, untreated = tmp_path / "run", tmp_path / "untreated"
    done = run_command("train", few_images, "--out", run, *RISING)
    assert done.returncode == 0, done.stderr
    run_command("train", few_images, "--out", untreated, *RISING, "--treat", "off")
    told = [one for one in result(run)["treatments"] if one["kept"]]
    assert told and any(attempt["from_step"] > 0 and attempt["kept"] for attempt in told[0]["attempts"])
    assert sum(one["steps"] for one in result(run)["treatments"]) <= 200
    best = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    before = [one["metrics"]["accuracy"] for one in best if one["kind"] == "evaluation" and one["step"] < 100]
    assert result(run)["valid"]["accuracy"] >= max(before)


def test_killed_within_a_late_trial_and_resumed_ends_with_the_same_weights(tmp_path: Path, few_images: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_command("train", few_images, "--out", whole, *RISING).returncode == 0
    process = subprocess.Popen(
        command("train", few_images, "--out", killed, *RISING), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not pending(killed) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert checkpoints(killed / "treatment", "healthy")
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert result(killed)["weights_sha256"] == result(whole)["weights_sha256"]
    assert result(killed)["treatments"] == result(whole)["treatments"]
