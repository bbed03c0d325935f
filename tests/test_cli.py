"""The command line as a person types it: what is printed where, exit statuses, and one line for each mistake."""

from __future__ import annotations

import csv
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import SAMPLES, run_command
from convergent.config import make_config, read_yaml, write_yaml
from convergent.types import UserError


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of 600 letters."""
    path = tmp_path_factory.mktemp("table") / "letters.csv"
    lines = (SAMPLES / "letter.csv").read_text().splitlines()
    path.write_text("\n".join(lines[:601]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, letters: Path) -> Path:
    """Return the folder of a short finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = run_command("train", letters, "--target", "lettr", "--out", folder, "--max-steps", "40", "--width", "32")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    assert "\x1b" not in done.stderr and "report:" in done.stderr
    return folder


def test_a_run_leaves_what_the_contract_names(run: Path) -> None:
    for name in ("config.yaml", "data.json", "plan.json", "journal.jsonl", "result.json", "report.html"):
        assert (run / name).stat().st_size > 0
    result = json.loads((run / "result.json").read_text())
    assert result["task"] == "tabular-classification" and result["steps"] == 40
    for split in ("valid", "test"):
        low, high = result[split]["interval"]
        assert low <= result[split]["accuracy"] <= high
    assert set(result["baseline"]) == set(result["test"]) - {"interval"}
    assert len(result["weights_sha256"]) == 64


def test_predict_works_from_the_model_folder_alone(run: Path, letters: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "elsewhere")
    whole = run_command("predict", run, letters, "--json")
    moved = run_command("predict", tmp_path / "elsewhere", letters, "--json")
    assert json.loads(whole.stdout) == json.loads(moved.stdout)
    first = json.loads(whole.stdout)[0]
    assert first["input"] == "row 1" and 0 < first["probability"] <= 1 and len(first["probabilities"]) == 26


def test_predict_writes_csv_and_says_what_it_ignored(run: Path, letters: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    lines = letters.read_text().splitlines()
    more.write_text("\n".join([lines[0] + ",extra", *(line + ",1" for line in lines[1:])]))
    done = run_command("predict", run, more, "--csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 600 and list(rows[0]) == ["input", "class", "probability"]
    assert "extra" in done.stderr


def test_evaluate_on_own_splits_and_on_other_data(run: Path, letters: Path) -> None:
    own = json.loads(run_command("evaluate", run, "--json").stdout)
    other = json.loads(run_command("evaluate", run, letters, "--json").stdout)
    assert own["metric"] == "accuracy" and other["samples"] == 600
    table = run_command("evaluate", run)
    assert table.returncode == 0 and "baseline" in table.stdout


def test_evaluate_needs_labels(run: Path, letters: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(line.split(",", 1)[1] for line in letters.read_text().splitlines()))
    done = run_command("evaluate", run, bare)
    assert done.returncode == 2 and "lettr" in done.stderr
    assert run_command("predict", run, bare).returncode == 0


def test_the_stored_config_and_plan_give_the_same_weights(run: Path, letters: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    words = ["--config", run / "config.yaml", "--plan", run / "plan.json", "--out", again]
    assert run_command("train", letters, *words).returncode == 0
    digests = [json.loads((folder / "result.json").read_text())["weights_sha256"] for folder in (run, again)]
    assert digests[0] == digests[1]


def test_a_time_limit_is_kept_and_ends_the_schedule(letters: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    words = ["--target", "lettr", "--time-limit", "20", "--epochs", "1000", "--early-stopping", "0"]
    done = run_command("train", letters, *words, "--out", tmp_path / "run", "--width", "16", "--log-every", "1")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 40  # the process's start and a loaded machine included
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    rates = [line["learning_rate"] for line in lines if line["kind"] == "step"]
    assert rates[-1] < 0.05 * max(rates)


def test_the_range_test_finds_a_rate(letters: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--target", "lettr", "--learning-rate", "auto", "--max-steps", "5", "--width", "16", "--plan", "off"]
    assert run_command("train", letters, *words, "--out", out).returncode == 0
    assert 1e-5 < read_yaml(out / "config.yaml")["learning_rate"] < 5


def test_check_says_what_train_would_do_and_trains_nothing(letters: Path, tmp_path: Path) -> None:
    done = run_command("check", letters, "--target", "lettr", cwd=tmp_path)
    assert done.returncode == 0 and "26 classes" in done.stdout and "would train tabm" in done.stdout
    assert not list(tmp_path.iterdir())
    found = json.loads(run_command("check", letters, "--target", "lettr", "--json").stdout)
    assert sum(found["sizes"].values()) == 600


def test_help_and_lists() -> None:
    for words in (["--help"], ["train", "--help"], ["tasks"], ["models"], ["samples"], ["--version"]):
        done = run_command(*words)
        assert done.returncode == 0 and done.stdout and not done.stderr, words
    assert "sample:fashion" in run_command("samples").stdout


def test_help_imports_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys; from convergent.cli import make_parser; make_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MISTAKES = {
    "unknown option": (["train", "sample:letter", "--epoch", "3"], "--epochs"),
    "unknown verb": (["tain", "sample:letter"], "train"),
    "no data": (["train"], "DATA"),
    "unknown sample": (["train", "sample:fashon"], "`fashion`"),
    "missing path": (["train", "nowhere/at/all"], "nowhere"),
    "unknown target": (["train", "sample:letter", "--target", "letr"], "lettr"),
    "not a number": (["train", "sample:letter", "--epochs", "many"], "epochs"),
    "out of range": (["train", "sample:letter", "--dropout", "1.5"], "dropout"),
    "unknown optimiser": (["train", "sample:letter", "--optimizer", "adamm"], "optimizer"),
    "loss that does not fit": (["train", "sample:letter", "--target", "lettr", "--loss", "mse"], "cross_entropy"),
    "output that does not fit": (["train", "sample:fashion", "--output", "linear"], "softmax"),
    "unknown model": (["train", "sample:fashion", "--model", "resnet1"], "resnet"),
    "unknown augmentation": (["train", "sample:fashion", "--augment", "flop"], "flip"),
    "no plan file": (["train", "sample:letter", "--target", "lettr", "--plan", "none.json"], "none.json"),
    "no device": (["train", "sample:letter", "--target", "lettr", "--device", "tpu"], "device"),
    "no such metric": (
        ["train", "sample:letter", "--target", "lettr", "--monitor", "acuracy", "--max-steps", "1", "--plan", "off"],
        "accuracy",
    ),
    "no config file": (["train", "sample:letter", "--config", "none.yaml"], "none.yaml"),
    "not a run": (["evaluate", "nowhere"], "nowhere"),
    "nothing to resume": (["resume", "nowhere"], "nowhere"),
    "no report": (["report", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_line_and_status_2(name: str, tmp_path: Path) -> None:
    words, expected = MISTAKES[name]
    done = run_command(*words, cwd=tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("convergent: ")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1 and expected in lines[0], done.stderr
    assert "Traceback" not in done.stderr


def test_an_existing_run_is_never_overwritten(run: Path, letters: Path) -> None:
    before = (run / "result.json").read_bytes()
    done = run_command("train", letters, "--target", "lettr", "--out", run)
    assert done.returncode == 2 and "resume" in done.stderr
    assert (run / "result.json").read_bytes() == before


def test_a_model_of_a_newer_version_is_refused(run: Path, letters: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    done = run_command("predict", tmp_path / "model", letters)
    assert done.returncode == 2 and "newer version" in done.stderr


def test_weights_that_are_damaged_are_refused(run: Path, letters: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "model")
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    done = run_command("predict", tmp_path / "model", letters)
    assert done.returncode == 2 and "weights.safetensors" in done.stderr


def test_yaml_round_trip_and_unknown_key(tmp_path: Path) -> None:
    config = make_config(learning_rate=0.1, augment=["flip"], drop=["a"])
    path = tmp_path / "config.yaml"
    path.write_text(write_yaml(config))
    assert make_config(read_yaml(path)) == config
    path.write_text("learning_rat: 0.1\n")
    with pytest.raises(UserError, match="learning_rate"):
        make_config(read_yaml(path))
    path.write_text("- a\n- b\n")
    with pytest.raises(UserError, match="option: value"):
        read_yaml(path)


def test_one_class_and_truncated_npz(tmp_path: Path, few_images: Path) -> None:
    with np.load(few_images) as arrays:
        np.savez(tmp_path / "one.npz", x=arrays["x_train"], y=np.zeros(len(arrays["x_train"]), dtype=np.int64))
    content = few_images.read_bytes()
    (tmp_path / "half.npz").write_bytes(content[: len(content) // 2])
    for name in ("one.npz", "half.npz"):
        done = run_command("train", tmp_path / name, "--out", tmp_path / "run")
        assert done.returncode == 2 and name in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_said_in_one_line(letters: Path, tmp_path: Path) -> None:
    import resource
    import signal
    import subprocess

    from conftest import command

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    words = command(
        "train", letters, "--target", "lettr", "--max-steps", "30", "--out", tmp_path / "run", "--plan", "off"
    )
    done = subprocess.run(words, preexec_fn=small_files, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "disk is full" in done.stderr and "Traceback" not in done.stderr
