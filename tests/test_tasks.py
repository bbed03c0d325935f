"""Every task keeps the contract, and the contract finds a task that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conftest import SAMPLES
from convergent.contract import check_task
from convergent.task import find_task, task_names
from convergent.types import Batch, UserError


def data_for(name: str, few_images: Path) -> tuple[str, dict[str, object]]:
    if name == "image-classification":
        return str(few_images), {}
    if name == "text-classification":
        return str(few_images.with_name("few.csv")), {"width": 32, "ensemble": 2}
    if name == "language-modelling":
        text = few_images.with_name("emma.txt")
        text.write_text((SAMPLES / "emma.txt").read_text(encoding="utf-8")[:8_000], encoding="utf-8")
        return str(text), {"width": 64, "depth": 2, "context": 16}
    if name == "translation":
        path = few_images.with_name("few-pairs.tsv")
        lines = (SAMPLES / "bible-en-es.tsv").read_text(encoding="utf-8").splitlines()[:200]
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path), {"width": 64, "depth": 1, "vocabulary_size": 300, "context": 256, "max_bad": 0.2}
    target = "lettr" if name == "tabular-classification" else "width"
    return str(SAMPLES / "letter.csv"), {"target": target, "width": 64, "ensemble": 4}


@pytest.mark.parametrize("name", task_names())
def test_every_task_keeps_the_contract(name: str, few_images: Path, few_messages: Path) -> None:
    data, options = data_for(name, few_images)
    assert check_task(find_task(name), data, **options) == []


def test_the_contract_finds_what_is_broken(few_images: Path) -> None:
    data, options = data_for("tabular-classification", few_images)
    task = find_task("tabular-classification")

    def mixed_up(model: torch.nn.Module, batch: Batch, loss: object) -> tuple[torch.Tensor, torch.Tensor]:
        return task.step(model, Batch(batch.inputs, torch.randint(0, 26, batch.targets.shape)), loss)  # type: ignore[arg-type]

    broken = replace(task, step=mixed_up, decode=lambda outputs, spec: [])
    problems = check_task(broken, data, **options)
    assert any("overfit" in problem for problem in problems)
    assert any("decode" in problem for problem in problems)


def test_an_unknown_task_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="image-classification"):
        find_task("image-clasification")


def test_a_task_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from convergent.tasks.tabular_regression import TASK\n")
    assert find_task(str(path)).name == "tabular-regression"
    path.write_text("TASK = 1\n")
    with pytest.raises(UserError, match="must define TASK"):
        find_task(str(path))
