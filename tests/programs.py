"""A small program, faulty or right, under the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from convergent.doctor.script import run_script


def check_program(folder: Path, text: str, code: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The faulty program gets a finding of that code, louder than `info`; the right one does not, and none critical."""
    program = folder / "train.py"
    program.write_text(text, encoding="utf-8")
    visit = run_script(str(program), [case])
    assert visit.status == 0, capfd.readouterr().err
    found = [(one.code, one.severity) for one in visit.findings if one.severity != "info"]
    assert (code in [one for one, _ in found]) == (case == "faulty"), found
    assert case == "faulty" or not [one for one, severity in found if severity == "critical"], found
