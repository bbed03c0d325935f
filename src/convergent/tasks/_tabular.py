"""What the two table tasks share: recognition, defaults, the network, and the panel of the columns."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from convergent.config import Config, nearest
from convergent.data.columns import LEARNED
from convergent.data.source import Source
from convergent.data.table_parts import has_features, understand
from convergent.data.tables import TableFeatures, TableSamples, read_new
from convergent.models.embeddings import TableInput
from convergent.models.mlp import TableMLP
from convergent.models.tabm import TabM
from convergent.types import DataSpec, Panel, Recognition, UserError

MODELS = {
    "tabm": "ensemble of MLPs that share their weights, numbers in piecewise-linear embeddings (TabM, 2024)",
    "mlp": "one multilayer perceptron with batch norm, on the same embeddings",
}
PEAK_RATES = {
    "adam": 4e-3, "adamw": 4e-3, "muon": 4e-3, "rmsprop": 1e-3, "adagrad": 1e-2, "sgd": 3e-2, "gradient_descent": 0.1,
}  # fmt: skip
ROWS_SEEN = 1_500_000  # rows over all epochs, within FEWEST and MOST epochs
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60


def recognise(source: Source, config: Config, *, classes: bool) -> Recognition | None:
    """Return why a table fits the task, None where it is none, or its target is of the other sort."""
    if source.kind != "table" or config.path_column is not None:
        return None
    known = understand(source, config)
    if known.classes is not classes or not has_features(known.columns):
        return None
    return Recognition(0.8, f"{known.reason} (target: {known.target_note})")


def read(source: Source, spec: DataSpec, config: Config) -> TableSamples:
    """Return the rows of new data, encoded by the statistics of `spec`."""
    if source.kind != "table":
        raise UserError(f"{source.address}: the model learned from a table; give a csv, tsv, parquet or jsonl file.")
    return read_new(source, spec, config)


def defaults(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None that tables need decided from their size; what the user set stays.

    Raises UserError for an option that has no meaning for tables.
    """
    _refuse_foreign(config)
    rows = spec.sizes["train"]
    classes = spec.classes is not None
    batch_size = min(256, max(32, 2 ** round(math.log2(rows / 128))))
    optimizer = config.optimizer or "adamw"
    model = config.model or "tabm"
    decided: dict[str, Any] = {
        "task": spec.task,
        "target": spec.target,
        "model": model,
        "width": 256,
        "depth": 3,
        "ensemble": 8 if model == "tabm" else None,
        "activation": "relu",
        "dropout": 0.1 if classes else 0.0,
        **_loss_and_output(config, classes=classes),
        "label_smoothing": 0.0,
        "optimizer": optimizer,
        "learning_rate": PEAK_RATES[optimizer],
        "weight_decay": 3e-4,
        "beta2": 0.999,
        "batch_size": batch_size,
        "clip_norm": 1.0,
        "epochs": None if config.max_steps else min(MOST_EPOCHS, max(FEWEST_EPOCHS, ROWS_SEEN // rows)),
        "schedule": "cosine",
        "warmup": 0.05,
        "augment": ["none"],
        "ema": 0.0,
        "early_stopping": 16,
        "monitor": "accuracy" if classes else "rmse",
        "workers": 0,
    }
    return config.model_copy(update={name: value for name, value in decided.items() if getattr(config, name) is None})


def _loss_and_output(config: Config, *, classes: bool) -> dict[str, str]:
    """Return the loss and the output for the target; either that the user gave decides the other."""
    if not classes:
        return {"loss": "mse", "output": "linear"}
    if config.loss == "binary_cross_entropy" or config.output == "sigmoid":
        return {"loss": "binary_cross_entropy", "output": "sigmoid"}
    return {"loss": "cross_entropy", "output": "softmax"}


def _refuse_foreign(config: Config) -> None:
    """Raise UserError for an unknown network, and for options that tables or the network would ignore."""
    if config.model is not None and config.model not in MODELS:
        raise UserError(
            f"--model {config.model}: no network for tables.{nearest(config.model, list(MODELS))} "
            f"There are {' and '.join(MODELS)}."
        )
    for name in ("pretrained", "image_size", "path_column"):
        if getattr(config, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning for a table. Leave it away.")
    if config.augment and config.augment != ["none"]:
        raise UserError(f"--augment {' '.join(config.augment)} is for images; a table has none. Leave it away.")
    if config.ensemble is not None and config.model == "mlp":
        raise UserError("--ensemble is for --model tabm; an mlp is one network. Leave it away.")


def build(spec: DataSpec, config: Config) -> nn.Module:
    """Return the network for the columns of `spec`: `(numeric_BF, categorical_BK) -> outputs`."""
    features = TableFeatures.model_validate(spec.features)
    source = TableInput(
        [column.edges for column in features.numeric],
        sum(column.missing > 0 for column in features.numeric),
        [column.num_indices for column in features.categorical],
    )
    assert config.width and config.depth and config.activation and config.dropout is not None
    num_classes = None if spec.classes is None else len(spec.classes)
    common: dict[str, Any] = {
        "width": config.width,
        "depth": config.depth,
        "dropout": config.dropout,
        "activation": config.activation,
    }
    if config.model == "mlp":
        return TableMLP(source, num_classes, **common)
    assert config.ensemble and config.output
    return TabM(source, num_classes, output=config.output, members=config.ensemble, **common)


def columns_panel(spec: DataSpec) -> Panel:
    """Return the table of the columns: name, kind, missing values, an example, and what was done with it."""
    columns = TableFeatures.model_validate(spec.features).columns
    rows = [[column.name, column.kind, column.missing, column.example, column.note] for column in columns]
    data = {"columns": ["column", "kind", "missing", "example", "note"], "rows": rows}
    return Panel(kind="table", section="data", title="Columns", data=data)


def row_values(samples: Any, index: int, spec: DataSpec, most: int = 6) -> dict[str, str]:
    """Return the first `most` values that row `index` was judged by, as they stand in the file."""
    if not isinstance(samples, TableSamples):
        return {}
    learned = [c.name for c in TableFeatures.model_validate(spec.features).columns if c.kind in LEARNED][:most]
    row = samples.row(index)
    return {name: "" if row[name] is None else str(row[name]) for name in learned}
