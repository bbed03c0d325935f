"""Tables as tensors: files are read, columns understood, rows split, statistics fitted on train, values encoded.

A row becomes two vectors: `numeric_BF` (float32: scaled numbers, 0 where missing, then a flag 0/1 for each column in
which the training split lacked values) and `categorical_BK` (int64: indices of values).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from convergent.config import Config, nearest
from convergent.data.bad import enforce_limit
from convergent.data.columns import DATE_PARTS, LEARNED, Column, as_dates, as_numbers, as_text, date_part
from convergent.data.source import Source
from convergent.data.statistics import (
    CategoricalColumn,
    NumericColumn,
    encode_categorical,
    encode_numeric,
    fit_categorical,
    fit_numeric,
)
from convergent.data.table_parts import (
    Table,
    forget,
    has_features,
    read_tables,
    refuse_targets,
    split_rows,
    training_classes,
    understand,
)
from convergent.data.targets import check_target, class_ids, numbers_or_nan
from convergent.types import Batch, DataSpec, Splits, UserError

Ints = npt.NDArray[np.int64]


class TableFeatures(BaseModel):
    """How the columns of a table become numbers: `DataSpec.features` of the table tasks.

    columns      every column of the training file and what was made of it
    numeric      statistics of each numeric column and each part of a date
    categorical  known values of each categorical column
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]
    numeric: tuple[NumericColumn, ...]
    categorical: tuple[CategoricalColumn, ...]


class TableSamples:
    """Rows of a table in memory, encoded: a batch is a look-up.

    refused  rows that could not be read
    notes    what a person should know of how the rows were read
    """

    decoded = True

    def __init__(self, table: Table, features: TableFeatures, targets: Tensor, notes: tuple[str, ...] = ()) -> None:
        numeric_NF, categorical_NK = encode(table.frame, features)
        self.numeric_NF, self.categorical_NK = torch.from_numpy(numeric_NF), torch.from_numpy(categorical_NK)
        self.targets_N = targets
        self.refused, self.notes = table.refused, notes
        self._frame, self._names = table.frame, table.names

    def __len__(self) -> int:
        return len(self.targets_N)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the rows at `indices`: inputs (numeric_BF, categorical_BK), targets class ids or raw numbers (B)."""
        at = torch.from_numpy(np.asarray(indices, dtype=np.int64))
        inputs = (self.numeric_NF.index_select(0, at), self.categorical_NK.index_select(0, at))
        return Batch(inputs, self.targets_N.index_select(0, at))

    def name(self, index: int) -> str:
        """Return "row 17": the row's number in its file, from 1, a header not counted."""
        return str(self._names[index])

    def row(self, index: int) -> dict[str, Any]:
        """Return the values of a row as they stand in the file."""
        return self._frame.row(index, named=True)


def encode(frame: pl.DataFrame, features: TableFeatures) -> tuple[npt.NDArray[np.float32], Ints]:
    """Return (numeric (N, F) float32, categorical (N, K) int64) of the rows, all finite.

    Raises UserError where a column that was learned from is not there.
    """
    formats = {column.name: column.format for column in features.columns if column.kind == "date"}
    _require(frame, features)
    values = [_numbers_of(frame[column.name], column.part, formats) for column in features.numeric]
    pairs = list(zip(values, features.numeric, strict=True))
    scaled = [encode_numeric(values_N, column) for values_N, column in pairs]
    flags = [~np.isfinite(values_N) for values_N, column in pairs if column.missing]
    indices = [encode_categorical(as_text(frame[column.name]), column) for column in features.categorical]
    return _side_by_side([*scaled, *flags], frame.height, np.float32), _side_by_side(indices, frame.height, np.int64)


def _numbers_of(values: pl.Series, part: str, formats: dict[str, str | None]) -> npt.NDArray[np.float64]:
    return date_part(as_dates(values, formats[values.name]), part) if part else as_numbers(values)


def _side_by_side(columns: list[Any], height: int, dtype: type) -> Any:
    return np.stack(columns, axis=1).astype(dtype) if columns else np.zeros((height, 0), dtype)


def _require(frame: pl.DataFrame, features: TableFeatures) -> None:
    missing = [c.name for c in features.columns if c.kind in LEARNED and c.name not in frame.columns]
    if missing:
        raise UserError(
            f"the table lacks the column `{missing[0]}`, from which the model learned."
            f"{nearest(missing[0], frame.columns)} Missing: {', '.join(missing[:10])}."
        )


def fit_features(frame: pl.DataFrame, columns: tuple[Column, ...]) -> TableFeatures:
    """Return the statistics of the training split's rows.

    >>> columns = (Column(name="age", kind="numeric", missing=0, example="31"),)
    >>> fit_features(pl.DataFrame({"age": [31, 30, 29]}), columns).numeric[0].median
    30.0
    """
    numeric, categorical = [], []
    for column in columns:
        values = frame[column.name]
        if column.kind == "numeric":
            numeric.append(fit_numeric(column.name, as_numbers(values)))
        elif column.kind == "categorical":
            categorical.append(fit_categorical(column.name, as_text(values)))
        elif column.kind == "date":
            dates = as_dates(values, column.format)
            numeric += [fit_numeric(column.name, date_part(dates, part), part) for part in DATE_PARTS]
    return TableFeatures(columns=columns, numeric=tuple(numeric), categorical=tuple(categorical))


def load_tables(source: Source, config: Config, task: str, *, classes: bool) -> Splits:
    """Return the splits of a table, for a target of classes or of a number.

    Raises UserError where the target cannot be learned, no column is left, or too many rows are unusable.
    """
    known = replace(understand(source, config), classes=classes)
    if not has_features(known.columns):
        left_out = "; ".join(f"`{column.name}` {column.note}" for column in known.columns if column.note)
        raise UserError(f"{source.address}: no column is left to learn from ({left_out}). --numeric takes one in.")
    names = training_classes(known) if classes else None
    known, refused = refuse_targets(known, names, config.max_bad)
    for name in ("all", "train"):
        if name in known.parts:
            check_target(known.parts[name].frame[known.target], known.parts[name].rows, config, classes=classes)
    tables, how = split_rows(known, config)
    forget()
    features = fit_features(tables["train"].frame, known.columns)
    samples = {name: _samples(table, features, known.target, names) for name, table in tables.items()}
    spec = DataSpec(
        task=task,
        source=source.address,
        modality="tables",
        fingerprint=fingerprint(source),
        sizes={name: len(part) for name, part in samples.items()},
        split=how,
        target=known.target,
        classes=names,
        features=features.model_dump(mode="json"),
        refused=refused,
        **_of_targets({name: part.targets_N for name, part in samples.items()}, names),
    )
    return Splits(spec, samples["train"], samples["valid"], samples.get("test"))


def _samples(table: Table, features: TableFeatures, target: str, classes: list[str] | None) -> TableSamples:
    return TableSamples(table, features, _targets(table.frame[target], classes))


def _targets(values: pl.Series, classes: list[str] | None) -> Tensor:
    """Return class ids (int64) or raw numbers (float32), -1 or NaN where there is none."""
    if classes is not None:
        return torch.tensor(class_ids(values, classes))
    return torch.tensor(numbers_or_nan(values), dtype=torch.float32)


def _of_targets(targets: dict[str, Tensor], classes: list[str] | None) -> dict[str, Any]:
    """Return what the DataSpec says of the targets: counts of classes by split, or moments of the training split."""
    if classes is not None:
        counts = {name: part.bincount(minlength=len(classes)).tolist() for name, part in targets.items()}
        return {"class_counts": counts}
    train = targets["train"].double()
    std = train.std().item() if len(train) > 1 else 0.0
    return {"target_mean": train.mean().item(), "target_std": std or 1.0, "target_median": train.median().item()}


def fingerprint(source: Source) -> str:
    """Return the SHA-256 of the files' contents, in order."""
    digest = hashlib.sha256()
    for paths in source.parts.values():
        for path in paths:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def read_new(source: Source, spec: DataSpec, config: Config) -> TableSamples:
    """Return new rows encoded by the statistics of `spec`; every readable row is kept, in order.

    The target is -1 (classes) or NaN (numbers) in rows that have none or one that is unknown to the model.
    Raises UserError where a column that was learned from is missing, or too many rows cannot be read.
    """
    paths = tuple(path for part in source.parts.values() for path in part)
    table = read_tables(paths, several=len(paths) > 1)
    enforce_limit(table.refused, len(table.rows) + len(table.refused), config.max_bad)
    features = TableFeatures.model_validate(spec.features)
    _require(table.frame, features)
    if spec.target in table.frame.columns:
        targets = _targets(table.frame[spec.target], spec.classes)
    else:
        targets = _targets(pl.Series(spec.target, [None] * len(table.rows), dtype=pl.String), spec.classes)
    return TableSamples(table, features, targets, _notes(table.frame, features, spec, targets))


def _notes(frame: pl.DataFrame, features: TableFeatures, spec: DataSpec, targets: Tensor) -> tuple[str, ...]:
    """Return what a person should know of new rows: columns ignored, values that were not understood."""
    notes = []
    extra = [name for name in frame.columns if name not in {column.name for column in features.columns}]
    if extra:
        notes.append(f"columns that the model does not know are ignored: {', '.join(extra[:10])}")
    if spec.target in frame.columns:
        given = len(frame) - as_text(frame[spec.target]).null_count()
        unknown = given - int((~targets.isnan() if spec.classes is None else targets >= 0).sum())
        if unknown:
            notes.append(f"{unknown} rows have a target `{spec.target}` that the model does not know: not judged")
    for column in features.columns:
        strange = _not_understood(frame[column.name], column) if column.kind in ("numeric", "date") else 0
        if strange:
            notes.append(f"`{column.name}`: {strange} values that are no finite number or date are taken as missing")
    return tuple(notes)


def _not_understood(values: pl.Series, column: Column) -> int:
    """Return how many values are there and cannot be read as a number or a date."""
    known = len(values) - as_text(values).null_count()
    if column.kind == "date":
        return known - (len(values) - as_dates(values, column.format).null_count())
    return known - int(np.isfinite(as_numbers(values)).sum())
