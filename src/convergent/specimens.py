"""What a network writes while it learns to: a few texts over the course of a training, for the report."""

from __future__ import annotations

from pathlib import Path

from convergent.config import Config
from convergent.engine.state import TrainState
from convergent.report.journal import Journal, read_journal
from convergent.task import Task
from convergent.types import DataSpec, EvalRecord, Panel, StepRecord

MOST = 8


class Specimens:
    """An observer that lets the network write at an evaluation, about eight times in a training."""

    def __init__(self, task: Task, spec: DataSpec, config: Config, state: TrainState, journal: Journal) -> None:
        self._task, self._spec, self._config, self._state, self._journal = task, spec, config, state, journal
        self._last = state.progress.step

    def after_backward(self, step: int) -> None:
        """Do nothing."""

    def after_step(self, record: StepRecord) -> None:
        """Do nothing."""

    def after_evaluation(self, record: EvalRecord) -> None:
        """Write down what the network writes now, where the last time is long enough ago."""
        progress = self._state.progress
        gap = max(1, progress.total_steps // MOST)
        last = progress.step >= progress.total_steps
        if self._task.specimen is None or not (last or record.step // gap > self._last // gap):
            return
        text = self._task.specimen(self._state.evaluated(), self._spec, self._config)
        if text:
            self._last = record.step
            self._journal.write("specimen", step=record.step, loss=record.metrics.get("loss"), text=text)


def specimen_panels(folder: Path) -> list[Panel]:
    """Return the texts of a run's journal as a table; of two at the same step, as after a kill, the later one."""
    found = {
        record["step"]: record for record in read_journal(folder / "journal.jsonl") if record["kind"] == "specimen"
    }
    if not found:
        return []
    rows = [[step, round(one["loss"], 3), one["text"].replace("\n", " ↵ ")] for step, one in sorted(found.items())]
    note = "What the network wrote after a new line, at several moments of the training."
    data = {"columns": ["step", "validation loss", "text"], "rows": rows}
    return [Panel(kind="table", section="result", title="Learning to write", note=note, data=data)]
