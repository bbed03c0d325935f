"""A run that is killed and resumed ends with the very weights of one that was not; the same command twice, too."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import command, run_command

EVERYTHING = [
    *("--epochs", "3", "--batch-size", "32", "--checkpoint-every", "3", "--log-every", "1", "--plan", "off"),
    *("--augment", "flip,shift,cutout,mixup", "--dropout", "0.2", "--ema", "0.9", "--width", "8"),
]


def digest(run: Path) -> str:
    return str(json.loads((run / "result.json").read_text())["weights_sha256"])


def steps_done(run: Path) -> int:
    journal = run / "journal.jsonl"
    return journal.read_text().count('"kind": "step"') if journal.exists() else 0


def kill_at(run: Path, words: list[str | Path], step: int, number: signal.Signals = signal.SIGKILL) -> int:
    """Start a command, send it a signal when its journal has `step` steps, and return its exit status."""
    process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = steps_done(run)
    while steps_done(run) - before < step and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    return process.wait(60)


@pytest.mark.parametrize(
    ("workers", "precision"), [(None, "float32"), (2, "float32"), (None, "bfloat16")], ids=["memory", "workers", "bf16"]
)
def test_killed_and_resumed_ends_with_the_same_weights(
    tmp_path: Path, few_images: Path, workers: int | None, precision: str
) -> None:
    options = [*EVERYTHING, "--precision", precision, *(["--workers", str(workers)] if workers else [])]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_command("train", few_images, "--out", whole, *options).returncode == 0
    rng = random.Random(precision + str(workers))
    assert kill_at(killed, ["train", few_images, "--out", killed, *options], rng.randint(4, 12)) == -signal.SIGKILL
    assert kill_at(killed, ["resume", killed], rng.randint(2, 8)) == -signal.SIGKILL
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert digest(killed) == digest(whole)


def test_the_same_command_twice_gives_the_same_weights(tmp_path: Path, few_images: Path) -> None:
    words = ["train", few_images, "--max-steps", "12", "--width", "8"]
    for name in ("a", "b"):
        assert run_command(*words, "--out", tmp_path / name).returncode == 0
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    plan = json.loads((tmp_path / "b" / "plan.json").read_text())
    assert plan["remembered"] and plan["candidates"]


def test_interrupted_saves_and_says_how_to_go_on(tmp_path: Path, few_images: Path) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    assert kill_at(run, ["train", few_images, "--out", run, *EVERYTHING], 5, signal.SIGINT) == 130
    assert list((run / "checkpoints").glob("step-*"))
    assert run_command("resume", run).returncode == 0
    assert run_command("train", few_images, "--out", whole, *EVERYTHING).returncode == 0
    assert digest(run) == digest(whole)


def test_a_damaged_checkpoint_is_named_and_the_run_goes_on_from_the_one_before(
    tmp_path: Path, few_images: Path
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    kill_at(run, ["train", few_images, "--out", run, *EVERYTHING], 8)
    newest = max((run / "checkpoints").glob("step-*"))
    tensors = newest / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    resumed = run_command("resume", run)
    assert resumed.returncode == 0
    assert newest.name in resumed.stderr and "checksum" in resumed.stderr
    assert run_command("train", few_images, "--out", whole, *EVERYTHING).returncode == 0
    assert digest(run) == digest(whole)


def test_resume_refuses_what_it_cannot_do(tmp_path: Path, few_images: Path) -> None:
    data = tmp_path / "data.npz"
    shutil.copy(few_images, data)
    run = tmp_path / "run"
    kill_at(run, ["train", data, "--out", run, *EVERYTHING], 4)
    content = bytearray(data.read_bytes())
    data.write_bytes(content[: len(content) // 2])
    truncated = run_command("resume", run)
    assert truncated.returncode == 2 and "Traceback" not in truncated.stderr
    nothing = run_command("resume", tmp_path / "nothing")
    assert nothing.returncode == 2 and "nothing" in nothing.stderr
