"""What the columns of a table are: numbers, categories, dates, or nothing to learn from (identifiers, constants, text).

The kinds are inferred from the training file's rows and shown before the training; `numeric`, `categorical` and `drop`
of the config take precedence.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from convergent.config import Config, nearest
from convergent.types import UserError

Kind = Literal[
    "numeric", "categorical", "date", "target", "split", "group", "identifier", "text", "constant", "dropped"
]
LEARNED: tuple[Kind, ...] = ("numeric", "categorical", "date")
MISSING_WORDS = ("", "na", "n/a", "nan", "null", "none", "?", "<na>")
DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
                "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")  # fmt: skip
NUMERIC_SHARE = 0.95  # of the values must be numbers; the others then count as missing
ID_NAME = re.compile(r"(^|[_\W])(id|ID|Id|uuid|key|index)$|^(Unnamed: 0|column_1|#|[A-Za-z]+(ID|Id))$")


class Column(BaseModel):
    """A column as it was understood: what is shown before the training and in the report.

    note     why it has this kind, where that is not plain
    format   how its dates are written, for kind `date` where the file holds text
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    missing: int
    example: str
    note: str = ""
    format: str | None = None


def as_text(values: pl.Series) -> pl.Series:
    """Return the values as strings without outer blanks, null where missing; whole numbers without `.0`.

    >>> as_text(pl.Series([1.0, 2.5, None])).to_list(), as_text(pl.Series([" a", "NA"])).to_list()
    (['1', '2.5', None], ['a', None])
    """
    if values.dtype.is_float():
        number = pl.col(values.name)
        whole = number.cast(pl.Int64, strict=False)
        text = pl.when(whole.cast(values.dtype) == number).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
        known = pl.when(number.is_nan()).then(None).otherwise(text).alias(values.name)
        return values.to_frame().select(known).to_series()
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        return pl.Series(values.name, [None if value is None else str(value) for value in values], dtype=pl.String)
    stripped = values.cast(pl.String).str.strip_chars()
    missing = stripped.str.to_lowercase().is_in(list(MISSING_WORDS))
    return stripped.set(missing.fill_null(True), None)


def as_numbers(values: pl.Series) -> npt.NDArray[np.float64]:
    """Return the values as float64, NaN where missing or no number; infinities stay.

    >>> as_numbers(pl.Series(["1", " 2.5", "NA", "x"])).tolist()
    [1.0, 2.5, nan, nan]
    """
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        values = as_text(values)
    return values.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def as_dates(values: pl.Series, date_format: str | None) -> pl.Series:
    """Return the values as datetimes, null where missing or not in `date_format`; None takes the file's own type."""
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return values.cast(pl.Datetime("us"))
    if date_format is None:
        return pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
    return as_text(values).str.to_datetime(date_format, strict=False, time_unit="us")


DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")


def date_part(dates: pl.Series, part: str) -> npt.NDArray[np.float64]:
    """Return one of DATE_PARTS of each date as float64; `days` counts from 1970 with the time of day as a fraction."""
    numbers = dates.dt.timestamp("ms") / 86_400_000 if part == "days" else getattr(dates.dt, part)()
    return numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def check_names(names: list[str], known: list[str], option: str, where: str) -> None:
    """Raise UserError for the first of `names` that is no column, with the nearest one."""
    for name in names:
        if name not in known:
            raise UserError(
                f"--{option} {name}: {where} has no such column.{nearest(name, known)} Columns: {_listed(known)}."
            )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def infer_columns(
    frame: pl.DataFrame, rows: npt.NDArray[np.int64], roles: dict[str, Kind], config: Config, where: str
) -> tuple[Column, ...]:
    """Return what each column is. `roles` names the target and the columns that only split the data.

    Raises UserError for an option that names a column that is not there.
    """
    for option in ("numeric", "categorical", "drop"):
        check_names(getattr(config, option), frame.columns, option, where)
    return tuple(infer_column(frame[name], rows, config, roles.get(name)) for name in frame.columns)


def infer_column(values: pl.Series, rows: npt.NDArray[np.int64], config: Config, role: Kind | None = None) -> Column:
    """Return what a column is; `rows` are the rows' numbers in the file, `role` is given where it is known already.

    >>> infer_column(pl.Series("age", ["31", "NA", "7"]), np.arange(3), Config()).kind
    'numeric'
    """
    name, texts = values.name, as_text(values)
    known = texts.drop_nulls()
    kind, note, date_format = role or "dropped", "", None
    if role is None:
        kind, note, date_format = _asked_for(name, values, config) or _kind_of(values, known, rows)
    missing = len(texts) - len(known)
    if kind == "numeric":
        missing, note = _count_missing(values, len(known), note)
    example = str(known[0])[:40] if len(known) else ""
    return Column(name=name, kind=kind, missing=missing, example=example, note=note, format=date_format)


def _count_missing(values: pl.Series, num_known: int, note: str) -> tuple[int, str]:
    """Return how many numbers are missing, and the note that says which values were taken for missing."""
    numbers = as_numbers(values)
    infinite = int(np.isinf(numbers).sum())
    unreadable = num_known - int((~np.isnan(numbers)).sum())
    said = [note] if note else []
    if infinite:
        said.append(f"{infinite} infinite values are taken as missing")
    if unreadable > 0:
        said.append(f"{unreadable} values that are no numbers are taken as missing")
    return int((~np.isfinite(numbers)).sum()), "; ".join(said)


Inferred = tuple[Kind, str, str | None]


def _asked_for(name: str, values: pl.Series, config: Config) -> Inferred | None:
    if name in config.drop:
        return "dropped", "as asked for", None
    if name in config.categorical:
        return "categorical", "as asked for", None
    if name in config.numeric:
        if not np.isfinite(as_numbers(values)).any():
            raise UserError(f"--numeric {name}: the column holds no number. Leave the option away.")
        return "numeric", "as asked for", None
    return None


def _kind_of(values: pl.Series, known: pl.Series, rows: npt.NDArray[np.int64]) -> Inferred:
    """Return kind, note and date format of a column; `known` are its values as text, those that are not missing."""
    if not len(known):
        return "constant", "left out: every value is missing", None
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        return "dropped", f"left out: holds values of type {str(values.dtype).split('(', maxsplit=1)[0]}", None
    num_values = known.n_unique()
    if num_values == 1 and len(known) == len(values):
        return "constant", "left out: the same value in every row", None
    if values.dtype == pl.Boolean:
        return "categorical", "", None
    numbers = known.cast(pl.Float64, strict=False)
    if values.dtype.is_numeric() or numbers.is_not_nan().sum() >= NUMERIC_SHARE * len(known):
        return _kind_of_numbers(values.name, as_numbers(values), rows)
    date_format = find_date_format(values)
    if date_format is not None:
        written = f"written {date_format}, " if date_format else ""
        return "date", f"{written}taken apart into year, month, day, weekday, hour", date_format or None
    return _kind_of_texts(known, num_values)


def _kind_of_numbers(name: str, numbers: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]) -> Inferred:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return "constant", "left out: every value is missing", None
    whole = len(known) == len(numbers) and bool((known == np.round(known)).all())
    if whole and len(known) > 2 and np.isin(known[0] - rows[0], (-1, 0)) and bool((np.diff(known - rows) == 0).all()):
        return "identifier", "left out: numbers the rows", None
    num_values = len(np.unique(known))
    if whole and num_values == len(known) and ID_NAME.search(name):
        return "identifier", "left out: a different whole number in every row", None
    return "numeric", "", None


def _kind_of_texts(known: pl.Series, num_values: int) -> Inferred:
    distinct = num_values / len(known)
    words = float(known.head(1000).str.count_matches(r"\S+").mean() or 0.0)  # type: ignore[arg-type]
    if words >= 6 and distinct > 0.3 and num_values > 20:
        return "text", "left out: free text", None
    if distinct > 0.9 and num_values >= 20:
        return "identifier", f"left out: {num_values} different values in {len(known)} rows", None
    return "categorical", "", None


def find_date_format(values: pl.Series) -> str | None:
    """Return the format in which every value is a date, "" where the file says so, None where they are none.

    >>> find_date_format(pl.Series(["2024-01-31", None])), find_date_format(pl.Series(["x"]))
    ('%Y-%m-%d', None)
    """
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return ""
    if values.dtype != pl.String:
        return None
    texts = as_text(values).drop_nulls()
    for date_format in DATE_FORMATS:
        if as_dates(texts.head(20), date_format).null_count() == 0 and not as_dates(texts, date_format).null_count():
            return date_format
    return None
