"""The column to predict: which one it is, whether it holds classes or a number, and what its values are as numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from convergent.config import Config
from convergent.data.columns import as_numbers, as_text, check_names, infer_column
from convergent.types import UserError

TARGET_NAMES = ("target", "label", "class", "y", "outcome", "response")
MAX_WHOLE_NUMBER_CLASSES = 20


class Target(NamedTuple):
    """The column to predict, why it was taken, whether it holds classes, and why that is thought."""

    name: str
    why: str
    classes: bool
    reason: str


def find_target(frame: pl.DataFrame, rows: npt.NDArray[np.int64], config: Config, where: str) -> Target:
    """Return the column to predict: the one asked for, one of a usual name, the one beside texts, or the last.

    Raises UserError where the one asked for does not exist, or none is plausible.
    """
    if config.target is not None:
        check_names([config.target], frame.columns, "target", where)
        name, why = config.target, "as asked for"
    else:
        name, why = _guess(frame, rows, config, where)
    classes, reason = holds_classes(frame[name])
    return Target(name, why, classes, reason)


def _guess(frame: pl.DataFrame, rows: npt.NDArray[np.int64], config: Config, where: str) -> tuple[str, str]:
    for wanted in TARGET_NAMES:
        for name in frame.columns:
            if name.lower() == wanted and name in (frame.columns[0], frame.columns[-1]):
                return name, "by its name"
    texts = _only_beside_texts(frame, rows, config)
    if texts is not None:
        return texts, "the only column beside texts"
    last = frame.columns[-1]
    if len(frame.columns) > 1 and infer_column(frame[last], rows, config).kind in ("numeric", "categorical"):
        return last, "the last column"
    raise UserError(f"{where}: which column is to be predicted? Say it with --target: {', '.join(frame.columns[:20])}.")


def _only_beside_texts(frame: pl.DataFrame, rows: npt.NDArray[np.int64], config: Config) -> str | None:
    """Return the one column that can be learned where all others are free texts or number the rows; else None."""
    kinds = {name: infer_column(frame[name], rows, config).kind for name in frame.columns}
    left = [name for name, kind in kinds.items() if kind in ("numeric", "categorical")]
    if "text" not in kinds.values() or len(left) != 1:
        return None
    return left[0] if holds_classes(frame[left[0]])[0] else None


def holds_classes(values: pl.Series) -> tuple[bool, str]:
    """Return whether a target holds classes, and the reason as a clause.

    >>> holds_classes(pl.Series("price", [1.5, 2.0, 7.25])), holds_classes(pl.Series("cut", ["Good", "Fair"]))
    ((False, '`price` holds numbers'), (True, '`cut` holds 2 classes'))
    """
    texts = as_text(values).drop_nulls()
    numbers = as_numbers(texts)
    num_values = texts.n_unique()
    as_classes = f"`{values.name}` holds {num_values} classes"
    if values.dtype == pl.Boolean or not len(texts) or np.isnan(numbers).mean() > 0.05:
        return True, as_classes
    finite = numbers[np.isfinite(numbers)]
    if not (finite == np.round(finite)).all():
        return False, f"`{values.name}` holds numbers"
    if num_values <= min(MAX_WHOLE_NUMBER_CLASSES, max(5, len(texts) // 10)):
        return True, f"{as_classes}, whole numbers"
    return False, f"`{values.name}` holds {num_values} different whole numbers"


def check_target(values: pl.Series, rows: npt.NDArray[np.int64], config: Config, *, classes: bool) -> None:
    """Raise UserError where the target cannot be learned: one value only, an identifier, far too many classes."""
    name, num_rows = values.name, len(values)
    num_values = (as_text(values) if classes else values).drop_nulls().n_unique()
    if num_values == 1:
        raise UserError(f"--target {name}: has the same value in all {num_rows} rows; there is nothing to learn.")
    if classes and (num_values > config.max_classes or (num_values > 2 and num_values > num_rows / 2)):
        raise UserError(
            f"--target {name}: {num_values} different values in {num_rows} rows are too many for classes; "
            "it looks like an identifier. Take another column, or --task tabular-regression if it is a number."
        )
    numbers_rows = infer_column(values, rows, Config()).kind == "identifier"
    if not classes and config.task is None and numbers_rows:
        raise UserError(
            f"--target {name}: only numbers the rows; there is nothing to learn. Take another column "
            "(--task tabular-regression insists)."
        )


def class_names(values: pl.Series) -> list[str]:
    """Return the classes in their order: by value where all are numbers, else by name.

    >>> class_names(pl.Series(["10", "9", None, "9"]))
    ['9', '10']
    """
    names: list[str] = as_text(values).drop_nulls().unique().to_list()
    numbers = as_numbers(pl.Series(names, dtype=pl.String))
    if np.isnan(numbers).any():
        return sorted(names)
    return [name for _, name in sorted(zip(numbers.tolist(), names, strict=True))]


def class_ids(values: pl.Series, classes: list[str]) -> npt.NDArray[np.int64]:
    """Return the class id of each value, -1 where it is missing or not one of `classes`.

    >>> class_ids(pl.Series(["b", None, "x"]), ["a", "b"]).tolist()
    [1, -1, -1]
    """
    ids = as_text(values).replace_strict(classes, list(range(len(classes))), default=-1, return_dtype=pl.Int64)
    return ids.fill_null(-1).to_numpy()


def numbers_or_nan(values: pl.Series) -> npt.NDArray[np.float64]:
    """Return the target as float64, NaN where it is missing, no number, or infinite."""
    numbers = as_numbers(values)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def why_refused(values: pl.Series, bad: npt.NDArray[np.int64], classes: list[str] | None) -> list[str]:
    """Return for each of the rows `bad` why its target cannot be used."""
    texts = as_text(values)
    reasons = []
    for place in bad.tolist():
        text = texts[place]
        if text is None:
            reasons.append(f"the target `{values.name}` is missing")
        elif classes is not None:
            reasons.append(f"the class `{text[:40]}` does not occur in the training rows")
        else:
            reasons.append(f"the target `{text[:40]}` is not a finite number")
    return reasons
