"""Predict a number of a table's row from its other columns.

The network answers in standard deviations of the training split's target; loss, metrics and predictions convert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from convergent.config import Config
from convergent.data.source import Source
from convergent.data.tables import load_tables
from convergent.losses import MembersLoss, make_loss
from convergent.metrics import regression_baseline, regression_metrics, rmse_metric
from convergent.task import Task
from convergent.tasks import _tabular
from convergent.types import DataSpec, Metric, Panel, Recognition, Samples, Splits

NAME = "tabular-regression"
MOST_POINTS = 2_000
NUM_MISTAKES = 12
NUM_BARS = 20


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source is a table with a number to predict, or None."""
    return _tabular.recognise(source, config, classes=False)


def load(source: Source, config: Config) -> Splits:
    """Return the table's splits; raises UserError where the target holds no numbers, or one number only."""
    return load_tables(source, config, NAME, classes=False)


def in_units(outputs_B: Tensor, spec: DataSpec) -> Tensor:
    """Return the network's outputs (B) in the target's units, float64."""
    return outputs_B.double() * _std(spec) + _mean(spec)


def _mean(spec: DataSpec) -> float:
    return spec.target_mean if spec.target_mean is not None else 0.0


def _std(spec: DataSpec) -> float:
    return spec.target_std or 1.0


def loss(spec: DataSpec, config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of standardised outputs (B, K) or (B) and raw targets (B)."""
    members = MembersLoss(make_loss(config), plain_dims=1)
    mean, std = _mean(spec), _std(spec)

    def standardised(outputs: Tensor, targets_B: Tensor) -> Tensor:
        return members(outputs.float(), (targets_B - mean) / std)  # type: ignore[no-any-return]

    return standardised


def metric(spec: DataSpec) -> Metric:
    """Return the root mean squared error in the target's units."""
    return rmse_metric(_mean(spec), _std(spec))


def metrics(outputs_B: Tensor, targets_B: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of a regression in the target's units."""
    return regression_metrics(in_units(outputs_B, spec), targets_B, _std(spec))


def baseline(targets_B: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of always answering with the training split's mean."""
    return regression_baseline(targets_B, _mean(spec), _std(spec))


def decode(outputs_B: Tensor, spec: DataSpec) -> list[dict[str, Any]]:
    """Return {"prediction": number} of each row."""
    return [{"prediction": value} for value in in_units(outputs_B, spec).tolist()]


def draw(samples: Samples, outputs_B: Tensor, targets_B: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return the columns, the target's distribution, predictions, residuals and the largest errors."""
    predicted_B, targets_B = in_units(outputs_B, spec), targets_B.double()
    return [
        _tabular.columns_panel(spec),
        target_bars(targets_B, spec),
        *scatter_panels(predicted_B, targets_B, spec.target),
        errors_panel(samples, predicted_B, targets_B, spec),
    ]


def target_bars(targets_B: Tensor, spec: DataSpec) -> Panel:
    """Return the distribution of the judged rows' targets as a histogram."""
    counts, edges = torch.histogram(targets_B, bins=NUM_BARS)
    labels = [f"{low:.4g}" for low in edges[:-1].tolist()]
    data = {"labels": labels, "values": counts.tolist(), "unit": "rows"}
    note = f"Training rows: mean {_mean(spec):.5g}, standard deviation {_std(spec):.5g}. Labels are lower edges."
    return Panel(kind="bars", section="data", title=f"Distribution of `{spec.target}`", note=note, data=data)


def evenly(count: int, most: int = MOST_POINTS) -> Tensor:
    """Return at most `most` indices below `count`, evenly spaced.

    >>> evenly(10, 5).tolist(), evenly(3, 5).tolist()
    ([0, 2, 4, 6, 8], [0, 1, 2])
    """
    return torch.arange(min(count, most)) * count // min(max(count, 1), most)


def scatter_panels(predicted_B: Tensor, targets_B: Tensor, target: str) -> list[Panel]:
    """Return predictions by truth and residuals by prediction, of at most MOST_POINTS rows."""
    shown = evenly(len(targets_B))
    x, y = predicted_B[shown], targets_B[shown]
    note = f"{len(shown)} of {len(targets_B)} rows." if len(shown) < len(targets_B) else ""
    truth = {"x": y.tolist(), "y": x.tolist(), "x_label": f"true {target}", "y_label": "predicted", "diagonal": True}
    left = {"x": x.tolist(), "y": (x - y).tolist(), "x_label": "predicted", "y_label": "residual", "diagonal": False}
    return [
        Panel(kind="scatter", section="result", title="Predicted and true", note=note, data=truth),
        Panel(kind="scatter", section="result", title="Residuals (predicted less true)", note=note, data=left),
    ]


def errors_panel(samples: Samples, predicted_B: Tensor, targets_B: Tensor, spec: DataSpec) -> Panel:
    """Return the rows with the largest errors as a table."""
    columns = ["sample", "true", "predicted", "error"]
    rows: list[list[Any]] = []
    for index in (predicted_B - targets_B).abs().argsort(descending=True, stable=True)[:NUM_MISTAKES].tolist():
        values = _tabular.row_values(samples, index, spec)
        columns = [*columns[:4], *values]
        true, predicted = float(targets_B[index]), float(predicted_B[index])
        numbers = [float(f"{number:.5g}") for number in (true, predicted, predicted - true)]
        rows.append([samples.name(index), *numbers, *values.values()])
    data = {"columns": columns, "rows": rows}
    return Panel(kind="table", section="mistakes", title="Largest errors", data=data)


TASK = Task(
    name=NAME,
    summary="predict a number of a table's row from its other columns",
    models=_tabular.MODELS,
    recognise=recognise,
    load=load,
    read=_tabular.read,
    defaults=_tabular.defaults,
    build=_tabular.build,
    loss=loss,
    metric=metric,
    metrics=metrics,
    baseline=baseline,
    decode=decode,
    draw=draw,
)
