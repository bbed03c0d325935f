"""Predict the class of a table's row from its other columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convergent.config import Config
from convergent.data.source import Source
from convergent.data.tables import load_tables
from convergent.losses import MembersLoss, make_loss
from convergent.task import Task
from convergent.tasks import _classification, _tabular
from convergent.types import DataSpec, Panel, Recognition, Samples, Splits

NAME = "tabular-classification"


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source is a table with classes to predict, or None."""
    return _tabular.recognise(source, config, classes=True)


def load(source: Source, config: Config) -> Splits:
    """Return the table's splits; raises UserError where the target has one class, far too many, or is missing."""
    return load_tables(source, config, NAME, classes=True)


def loss(spec: DataSpec, config: Config) -> MembersLoss:
    """Return the loss of logits (B, K, C) or (B, C) and class ids (B)."""
    counts = (spec.class_counts or {}).get("train")
    return MembersLoss(make_loss(config, len(spec.classes or []), counts), plain_dims=2)


def decode(logits_BC: Tensor, spec: DataSpec) -> list[dict[str, Any]]:
    """Return {"class", "probability", "probabilities"} of each row."""
    return _classification.decode_classes(logits_BC, spec.classes or [])


def draw(samples: Samples, logits_BC: Tensor, targets_B: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return the columns, confusion, calibration and mistakes."""

    def values(index: int) -> dict[str, str]:
        return _tabular.row_values(samples, index, spec)

    classes = spec.classes or []
    panels = _classification.classification_panels(logits_BC, targets_B, classes)
    mistakes = _classification.mistakes_panel(samples, logits_BC.float().softmax(1), targets_B, classes, values)
    return [_tabular.columns_panel(spec), *panels, mistakes]


TASK = Task(
    name=NAME,
    summary="predict the class of a table's row from its other columns",
    models=_tabular.MODELS,
    recognise=recognise,
    load=load,
    read=_tabular.read,
    defaults=_tabular.defaults,
    build=_tabular.build,
    loss=loss,
    metric=_classification.metric,
    metrics=_classification.metrics,
    baseline=_classification.baseline,
    decode=decode,
    draw=draw,
)
