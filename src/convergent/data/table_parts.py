"""A table as it was understood: its rows by split, the column to predict, and what the other columns are."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from convergent.config import Config
from convergent.data.bad import enforce_limit
from convergent.data.columns import LEARNED, Column, Kind, as_text, check_names, infer_columns
from convergent.data.source import SPLIT_NAMES, Source
from convergent.data.split import Parts, group_split, plain_split, split_fractions, stratified_split, together_split
from convergent.data.table_files import read_table_file
from convergent.data.targets import class_ids, class_names, find_target, numbers_or_nan, why_refused
from convergent.types import Refusal, UserError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Rows of one or more files: `rows` are their numbers in the file, `names` what a person would call them."""

    frame: pl.DataFrame
    rows: Ints
    names: pl.Series
    refused: tuple[Refusal, ...]

    def take(self, places: Ints) -> Table:
        """Return the rows at `places`; what was refused stays with the whole."""
        return Table(self.frame[places], self.rows[places], self.names[places], ())


def read_tables(paths: tuple[Path, ...], several: bool) -> Table:
    """Return the rows of the files below each other; `several` says to name the file with each row.

    Raises UserError where a file lacks a column of the first.
    """
    tables = []
    for path in paths:
        file = read_table_file(path)
        suffix = f" of {path.name}" if several or len(paths) > 1 else ""
        names = pl.Series("name", [f"row {row}{suffix}" for row in file.rows.tolist()], dtype=pl.String)
        tables.append(Table(file.frame, file.rows, names, file.refused))
    first = tables[0]
    for path, table in zip(paths[1:], tables[1:], strict=True):
        different = sorted(set(first.frame.columns) ^ set(table.frame.columns))
        if different:
            raise UserError(f"{path}: its columns differ from those of {paths[0].name}: {', '.join(different[:5])}.")
    try:
        frame = pl.concat([table.frame.select(first.frame.columns) for table in tables], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{paths[0]}: the files' columns have different types ({str(error)[:120]}).") from None
    rows = np.concatenate([table.rows for table in tables])
    refused = tuple(refusal for table in tables for refusal in table.refused)
    return Table(frame, rows, pl.concat([table.names for table in tables]), refused)


@dataclass(frozen=True)
class Understood:
    """A table that has been read and not yet split: its parts by name, its target, its columns."""

    parts: dict[str, Table]
    target: str
    target_note: str
    classes: bool
    reason: str
    columns: tuple[Column, ...]
    split_column: str | None


def understand(source: Source, config: Config) -> Understood:
    """Read the source and say which column is the target and what the others are.

    The last table is kept, because each task that might fit asks; `forget` lets go of it.
    Raises UserError where an option names a column that is not there, or no target is plausible.
    """
    return _understand(source.address, tuple(source.parts.items()), _stamps(source), config.model_dump_json())


def read_parts(source: Source) -> dict[str, Table]:
    """Return the table of each split as it was read; the last is kept until `forget`, as by `understand`."""
    return dict(_read_parts(tuple(source.parts.items()), _stamps(source)))


def forget() -> None:
    """Let go of the table that `understand` and `read_parts` keep."""
    _understand.cache_clear()
    _read_parts.cache_clear()


def _stamps(source: Source) -> tuple[tuple[int, int], ...]:
    return tuple(_stamp(path) for paths in source.parts.values() for path in paths)


@functools.lru_cache(maxsize=1)
def _read_parts(
    named: tuple[tuple[str, tuple[Path, ...]], ...], stamps: tuple[tuple[int, int], ...]
) -> dict[str, Table]:
    several = sum(len(paths) for _, paths in named) > 1
    return {name: read_tables(paths, several) for name, paths in named}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=1)
def _understand(
    address: str, named: tuple[tuple[str, tuple[Path, ...]], ...], stamps: tuple[tuple[int, int], ...], options: str
) -> Understood:
    config, parts = Config.model_validate_json(options), dict(_read_parts(named, stamps))
    first = parts.get("train") or next(iter(parts.values()))
    split_column = find_split_column(first.frame, config, address, has_files="all" not in parts)
    roles: dict[str, Kind] = {split_column: "split"} if split_column else {}
    if config.group_column:
        check_names([config.group_column], first.frame.columns, "group-column", address)
        roles[config.group_column] = "group"
    left = first.frame.drop(list(roles))
    target = find_target(left, first.rows, config, address)
    roles[target.name] = "target"
    columns = infer_columns(first.frame, first.rows, roles, config, address)
    _check_parts(parts, target.name, columns, address)
    return Understood(parts, target.name, target.why, target.classes, target.reason, columns, split_column)


def _check_parts(parts: dict[str, Table], target: str, columns: tuple[Column, ...], address: str) -> None:
    """Raise UserError where the file of a split lacks the target or a column to learn from."""
    needed = [target] + [column.name for column in columns if column.kind in LEARNED]
    for part, table in parts.items():
        missing = [name for name in needed if name not in table.frame.columns]
        if missing:
            raise UserError(
                f"{address}: the {part} file lacks the column `{missing[0]}`. Add it, or give the train file alone."
            )


def find_split_column(frame: pl.DataFrame, config: Config, address: str, *, has_files: bool) -> str | None:
    """Return the column that says train, valid or test: the one asked for, or one called `split` that does so."""
    name = config.split_column or next((name for name in frame.columns if name.lower() == "split"), None)
    if name is None:
        return None
    if has_files:
        if config.split_column:
            raise UserError(f"--split-column {name}: the data has files for its splits already. Leave the option away.")
        return None
    check_names([name], frame.columns, "split-column", address)
    values = as_text(frame[name]).str.to_lowercase()
    strange = values.filter(~values.is_in(list(SPLIT_NAMES)).fill_null(False)).unique().to_list()
    if not strange:
        return name
    if config.split_column:
        raise UserError(f"--split-column {name}: must hold train, valid or test in every row, not `{strange[0]}`.")
    return None


def split_rows(known: Understood, config: Config, together: str | None = None) -> tuple[dict[str, Table], str]:
    """Return the rows by split (train, valid, and test where there is one), and how that came about, as a sentence.

    Rows with the same value of the column `together` stay in the same split.
    Raises UserError where no row is left to train on or to validate with.
    """
    parts, how = dict(known.parts), "As the files say"
    if known.split_column:
        parts, how = _by_column(known.parts["all"], known.split_column), f"As the column `{known.split_column}` says"
    whole = parts.pop("all", None) or parts.get("train")
    if whole is None:
        raise UserError("the data has rows for validation or test but none to train on. Add a train file or rows.")
    if "valid" in parts:
        return parts, f"{how}."
    given = "test" in parts
    made = _draw(whole, known, config, given, together)
    for name, places in (("train", made.train), ("valid", made.valid), ("test", made.test)):
        if len(places):
            parts[name] = whole.take(places)
    if len(made.train) == 0 or len(made.valid) == 0:
        raise UserError(f"{len(whole.rows)} rows are too few to train and to validate with.")
    way = _way(known, config, together)
    if given:
        return parts, f"{how}; validation rows drawn from the training rows, {way}."
    return parts, f"Drawn at random, {way}."


def _by_column(table: Table, name: str) -> dict[str, Table]:
    of_row = as_text(table.frame[name]).str.to_lowercase().replace_strict(SPLIT_NAMES, return_dtype=pl.String)
    return {part: table.take(np.flatnonzero((of_row == part).to_numpy())) for part in of_row.unique().to_list()}


def _way(known: Understood, config: Config, together: str | None) -> str:
    if config.group_column:
        return f"rows of the same `{config.group_column}` together"
    if together:
        share = "each class with its share, " if known.classes else ""
        return f"{share}rows of equal `{together}` together"
    return "each class with its share" if known.classes else "without regard to anything"


def _draw(table: Table, known: Understood, config: Config, has_test: bool, together: str | None) -> Parts:
    valid, test = split_fractions(len(table.rows), config.valid_fraction, config.test_fraction, has_test)
    if config.group_column:
        groups = as_text(table.frame[config.group_column]).fill_null("").to_numpy()
        return group_split(groups.astype(str), valid, test, config.seed)
    if not known.classes and not together:
        return plain_split(len(table.rows), valid, test, config.seed)
    labels = np.zeros(len(table.rows))
    if known.classes:
        labels = as_text(table.frame[known.target]).to_numpy().astype(str)
    if together:
        keys = as_text(table.frame[together]).fill_null("").rank("dense").to_numpy()
        return together_split(labels, keys, valid, test, config.seed)
    return stratified_split(labels, valid, test, config.seed)


def refuse_targets(known: Understood, classes: list[str] | None, max_bad: float) -> tuple[Understood, list[Refusal]]:
    """Return the table without the rows whose target is missing or cannot be used, and every row refused so far.

    Raises UserError where they are more than the share `max_bad`.
    """
    refused: list[Refusal] = []
    total = 0
    parts = {}
    for part, table in known.parts.items():
        values = table.frame[known.target]
        good = class_ids(values, classes) >= 0 if classes is not None else np.isfinite(numbers_or_nan(values))
        bad = np.flatnonzero(~good)
        reasons = why_refused(values, bad, classes)
        where = table.names[bad].to_list()
        refused += table.refused
        refused += [Refusal(where=name, reason=reason) for name, reason in zip(where, reasons, strict=True)]
        total += len(table.rows) + len(table.refused)
        parts[part] = table.take(np.flatnonzero(good)) if len(bad) else table
    return replace(known, parts=parts), list(enforce_limit(refused, total, max_bad))


def training_classes(known: Understood) -> list[str]:
    """Return the classes that occur in the rows to learn from."""
    table = known.parts.get("train") or known.parts.get("all")
    values = (table or next(iter(known.parts.values()))).frame[known.target]
    if table is not None and known.split_column:
        values = values.filter(as_text(table.frame[known.split_column]).str.to_lowercase().is_in(["train", "training"]))
    return class_names(values)


def has_features(columns: tuple[Column, ...]) -> bool:
    """Return whether any column is left to learn from."""
    return any(column.kind in LEARNED for column in columns)
