"""The curves of a training, from the records of its journal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from convergent.report.charts import Series, line_chart
from convergent.report.scales import number

SMOOTHING = 0.02
"""The share of the curve over which the training loss is averaged."""
MANY_TIMES = 1000.0
"""By which the largest loss exceeds the smallest where logarithms are averaged."""

Record = dict[str, Any]


def draw_curves(records: Sequence[Record], metric: str) -> list[Markup]:
    """Return loss, main metric, learning rate and gradient norm against the step, those that there are."""
    steps = [record for record in records if record["kind"] == "step"]
    evaluations = [record for record in records if record["kind"] == "evaluation"]
    note = "The training loss is measured with augmentation and dropout on, so it may lie above the validation loss."
    groups = [
        ("Loss", _loss_series(steps, evaluations), True, note),
        (
            metric,
            [] if metric == "loss" else _metric_series(evaluations, metric),
            False,
            _best_note(evaluations, metric),
        ),
        ("Learning rate", _step_series(steps, "learning_rate"), False, ""),
        ("Gradient norm", _step_series(steps, "grad_norm"), True, "The largest of each window of the journal."),
    ]
    return [line_chart(title, series, "step", log=log, note=text) for title, series, log, text in groups if series]


def smooth_losses(values: Sequence[float]) -> list[float]:
    """Return moving averages; of logarithms where losses span decades: one that diverged would hide all that follow.

    >>> [round(value, 3) for value in smooth_losses([1e18] * 100 + [0.5] * 100)][-1]
    0.5
    """
    known = [value for value in values if math.isfinite(value)]
    if not known or min(known) <= 0 or max(known) < MANY_TIMES * min(known):
        return smooth(values)
    logarithms = [math.log(value) if math.isfinite(value) else value for value in values]
    return [math.exp(value) if math.isfinite(value) else value for value in smooth(logarithms)]


def smooth(values: Sequence[float]) -> list[float]:
    """Return the exponential moving average over 2 % of the values, without the pull of its start (Adam's correction).

    >>> smooth([1.0, 1.0, 1.0])
    [1.0, 1.0, 1.0]
    """
    decay = 1 - 1 / max(1.0, SMOOTHING * len(values))
    total = weight = 0.0
    averages = []
    for value in values:
        if math.isfinite(value):
            total, weight = decay * total + (1 - decay) * value, decay * weight + (1 - decay)
        averages.append(total / weight if math.isfinite(value) else math.nan)
    return averages


def _loss_series(steps: Sequence[Record], evaluations: Sequence[Record]) -> list[Series]:
    series = []
    if steps:
        band = [_value(r, "loss_min") for r in steps], [_value(r, "loss_max") for r in steps]
        losses = smooth_losses([_value(record, "loss") for record in steps])
        series.append(Series("train", [record["step"] for record in steps], losses, band))
    return series + [one for one in _metric_series(evaluations, "loss") if one.name != "train"]


def _metric_series(evaluations: Sequence[Record], metric: str) -> list[Series]:
    """Return a line for each split that was evaluated more than once, the last best evaluation ringed."""
    known = [record for record in evaluations if metric in record["metrics"]]
    best = max((record["step"] for record in known if record["best"]), default=None)
    series = []
    for split in dict.fromkeys(record["split"] for record in known):
        own = [record for record in known if record["split"] == split]
        if len(own) > 1 or split == "valid":
            values = [_value(record["metrics"], metric) for record in own]
            ringed = best if split == "valid" else None
            series.append(Series(split, [r["step"] for r in own], values, points=True, highlight=ringed))
    return series


def _best_note(evaluations: Sequence[Record], metric: str) -> str:
    best = [record for record in evaluations if record["best"] and metric in record["metrics"]]
    return f"{number(best[-1]['metrics'][metric])} at step {best[-1]['step']:,} was the best." if best else ""


def _step_series(steps: Sequence[Record], field: str) -> list[Series]:
    known = [record for record in steps if record.get(field) is not None]
    if not known:
        return []
    return [Series(field.replace("_", " "), [r["step"] for r in known], [_value(r, field) for r in known])]


def _value(record: Record, field: str) -> float:
    value = record.get(field)
    return math.nan if value is None else float(value)
