"""The doctor on our own runs: before the first step, live, in the report, and on request."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from conftest import SAMPLES, run_command

STEPS = ("--max-steps", "120", "--width", "64", "--ensemble", "2")


def table(folder: Path, *, shuffled: bool, rows: int = 900) -> Path:
    lines = (SAMPLES / "letter.csv").read_text().splitlines()[: rows + 1]
    cells = [line.split(",") for line in lines[1:]]
    if shuffled:
        order = np.random.default_rng(0).permutation(rows)
        cells = [[cells[j][0], *row[1:]] for row, j in zip(cells, order, strict=True)]
    path = folder / "letters.csv"
    path.write_text("\n".join([lines[0], *(",".join(row) for row in cells)]) + "\n")
    return path


def codes(path: Path) -> list[str]:
    return [one["code"] for one in json.loads(path.read_text())]


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the run of a table whose labels belong to other rows, and what was said while it trained."""
    folder = tmp_path_factory.mktemp("sick")
    done = run_command("train", table(folder, shuffled=True), "--target", "lettr", "--out", folder / "run", *STEPS)
    assert done.returncode == 0, done.stderr
    return folder / "run", done.stderr


def test_preflight_says_what_is_wrong_before_the_first_step(sick: tuple[Path, str]) -> None:
    run, said = sick
    assert "data/labels-shuffled" in codes(run / "preflight.json")
    assert said.index("data/labels-shuffled") < said.index("epoch")
    assert codes(run / "findings.json")[0] == "data/labels-shuffled"
    assert json.loads((run / "findings.json").read_text())[0]["severity"] == "critical"
    assert len(codes(run / "findings.json")) == len(set(codes(run / "findings.json")))


def test_diagnose_shows_a_finished_run(sick: tuple[Path, str], tmp_path: Path) -> None:
    done = run_command("diagnose", sick[0], "--json", tmp_path / "out.json")
    assert done.returncode == 1
    assert "data/labels-shuffled" in done.stdout and "check how files and labels are paired" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["findings"][0]["code"] == "data/labels-shuffled"


def test_the_report_has_a_page_for_the_doctor(sick: tuple[Path, str]) -> None:
    page = (sick[0] / "report.html").read_text()
    assert "Doctor" in page and "data/labels-shuffled" in page
    assert "belong to other samples" in page


def test_findings_are_escaped_in_the_report(sick: tuple[Path, str]) -> None:
    run = sick[0]
    kept = (run / "findings.json").read_text()
    found = json.loads(kept)
    found[0]["message"] = "<script>alert(1)</script>"
    (run / "findings.json").write_text(json.dumps(found))
    try:
        assert run_command("report", run).returncode == 0
        page = (run / "report.html").read_text()
        assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    finally:
        (run / "findings.json").write_text(kept)


def test_a_healthy_run_is_met_with_silence(tmp_path: Path) -> None:
    data = table(tmp_path, shuffled=False, rows=3000)
    done = run_command("train", data, "--target", "lettr", "--out", tmp_path / "run", "--max-steps", "200")
    assert done.returncode == 0, done.stderr
    loud = [f for f in json.loads((tmp_path / "run" / "findings.json").read_text()) if f["severity"] != "info"]
    assert loud == []
    shown = run_command("diagnose", tmp_path / "run")
    assert shown.returncode == 0 and re.search("nothing wrong", shown.stdout)


def test_steps_that_are_too_large_are_named_while_they_are_made(tmp_path: Path) -> None:
    data = table(tmp_path, shuffled=False)
    options = ("--optimizer", "sgd", "--learning-rate", "3000", "--clip-norm", "1e9", "--schedule", "constant")
    options = (*options, "--treat", "off")
    done = run_command("train", data, "--target", "lettr", "--out", tmp_path / "run", *options, *STEPS)
    assert done.returncode == 2 and "has diverged" in done.stderr
    wanted = {"training/learning-rate-too-high", "training/divergence", "training/non-finite"}
    assert wanted & set(codes(tmp_path / "run" / "findings.json")[:3])
    assert any(code in done.stderr for code in wanted)
    records = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    assert any(record.get("finding", {}).get("code") in wanted for record in records)


def test_the_doctor_can_be_sent_away(tmp_path: Path) -> None:
    data = table(tmp_path, shuffled=True)
    options = ("--preflight", "off", "--doctor", "off", *STEPS)
    done = run_command("train", data, "--target", "lettr", "--out", tmp_path / "run", *options)
    assert done.returncode == 0, done.stderr
    assert "doctor:" not in done.stderr
    refused = run_command("diagnose", tmp_path / "run")
    assert refused.returncode == 2 and "--doctor off" in refused.stderr
    assert "Doctor" not in (tmp_path / "run" / "report.html").read_text()
