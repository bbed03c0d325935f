"""The journal of a run: one JSON line a record, appended while it trains and readable without Convergent.

    {"kind": "step", "step": 200, "epoch": 1, "loss": 0.41, ..., "time": 3.2}
    {"kind": "evaluation", "step": 200, "epoch": 1, "split": "valid", "metrics": {"accuracy": 0.91}, ...}

JSON has no NaN (RFC 8259): non-finite numbers are written as the strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from convergent.types import EvalRecord, StepRecord

FLUSH_SECONDS = 1.0
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Journal:
    """An observer that appends what happens to `path`.

    A step costs an append to a list: losses stay on the device and are read back together once in `log_every` steps.
    Times are seconds since the journal was opened. Raises OSError where the file cannot be written.
    """

    def __init__(self, path: Path, log_every: int) -> None:
        self._log_every = log_every
        self._window: list[StepRecord] = []
        half_line = _ends_within_a_line(path)
        self._file = path.open("a", encoding="utf-8")
        if half_line:  # a kill cut it short; what follows must not be glued to it
            self._file.write("\n")
        self._start = self._window_start = self._flushed = time.perf_counter()

    def after_backward(self, step: int) -> None:
        """Do nothing: the journal reads no gradients."""

    def after_step(self, record: StepRecord) -> None:
        """Keep the record; once in `log_every` steps write the line of the window."""
        window = self._window
        window.append(record)
        if len(window) >= self._log_every:
            self._write_window(paused=0.0)

    def after_evaluation(self, record: EvalRecord) -> None:
        """Write the steps so far, then the evaluation, and bring both to the disk."""
        self._write_window(paused=record.seconds)
        self.write("evaluation", **record._asdict())
        self._window_start = time.perf_counter()
        self._flush()

    def write(self, kind: str, **fields: Any) -> None:
        """Append a record of any kind: `write("note", text="...")`, `write("resume", step=400)`."""
        now = time.perf_counter()
        line = {"kind": kind, **fields, "time": round(now - self._start, 3)}
        try:
            text = json.dumps(line, allow_nan=False)
        except ValueError:
            text = json.dumps(_without_non_finite(line), allow_nan=False)
        self._file.write(text + "\n")
        if now - self._flushed > FLUSH_SECONDS:
            self._flush()

    def close(self) -> None:
        """Write what is pending and close the file; a second call does nothing."""
        if not self._file.closed:
            self._write_window(paused=0.0)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_window(self, paused: float) -> None:
        """Write the line of the steps since the last line; `paused` seconds of them were no training."""
        if not self._window:
            return
        window, self._window = self._window, []
        losses, norms = _read_back(window)
        now = time.perf_counter()
        seconds = max(now - self._window_start - paused, 1e-9)
        self._window_start = now
        known = [loss for loss in losses if not math.isnan(loss)]
        self.write(
            "step",
            step=window[-1].step,
            epoch=window[-1].epoch,
            loss=sum(losses) / len(losses),
            loss_min=min(known, default=math.nan),
            loss_max=max(known, default=math.nan),
            grad_norm=_largest(norms),
            learning_rate=window[-1].learning_rate,
            samples_per_second=round(sum(record.samples for record in window) / seconds, 1),
        )

    def _flush(self) -> None:
        self._file.flush()
        self._flushed = time.perf_counter()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the records of a journal in order, as the run finally went; a missing file has none.

    A line that a kill cut short is passed over. A resume at step S supersedes earlier records of steps > S, and times
    go on from the last record that is kept.
    """
    records: list[dict[str, Any]] = []
    offset = 0.0
    for record in _whole_lines(path):
        if record["kind"] == "resume":
            records = [kept for kept in records if kept.get("step", 0) <= record["step"]]
            offset = records[-1]["time"] if records else 0.0
        records.append({**record, "time": record.get("time", 0.0) + offset})
    return records


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line, object_hook=_with_non_finite)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict) and "kind" in record:
            records.append(record)
    return records


def _ends_within_a_line(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"


def _read_back(window: list[StepRecord]) -> tuple[list[float], list[float]]:
    """Return losses and gradient norms of the window, read back with one transfer from a device."""
    tensors = [record.loss for record in window]
    tensors += [record.grad_norm for record in window if record.grad_norm is not None]
    if tensors[0].device.type == "cpu":  # there `item` costs half of what stacking them does
        values = [tensor.item() for tensor in tensors]
    else:
        import torch

        values = torch.stack([tensor.detach() for tensor in tensors]).tolist()
    return values[: len(window)], values[len(window) :]


def _largest(norms: list[float]) -> float | None:
    """Return the largest norm, NaN if one of them is NaN: Python's `max` would depend on the order."""
    if any(math.isnan(norm) for norm in norms):
        return math.nan
    return max(norms, default=None)


def _without_non_finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_non_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _with_non_finite(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: NON_FINITE.get(value, value) if isinstance(value, str) else value for key, value in mapping.items()}
