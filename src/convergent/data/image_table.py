"""Images named in a table: a column of paths, a column of classes, and perhaps one of splits and one of groups."""

from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
import polars as pl

from convergent.config import Config, nearest
from convergent.data.listing import UNKNOWN, Listing, code_labels, in_order
from convergent.data.source import SPLIT_NAMES, Source, is_image
from convergent.data.table_files import TableFile, read_table_file
from convergent.types import Refusal, UserError

SPLIT_COLUMN = "split"
LOOKED_AT = 20
# Columns added to those of the file: where a row comes from.
ORIGIN, ROW = "__table", "__row"


def path_column(source: Source, config: Config) -> str | None:
    """Return the column of a table source that holds the paths of images, or None.

    It is the one that was asked for, or one whose first values look like images and of which one is there.
    Raises UserError where the one asked for does not exist.
    """
    path = next(iter(source.parts.values()))[0]
    return _path_column(read_table_file(path).frame, path, config)


def _path_column(table: pl.DataFrame, path: Path, config: Config) -> str | None:
    if config.path_column is not None:
        return _column(table, config.path_column, path)
    for name in table.columns:
        first = [str(value) for value in table[name].drop_nulls().head(LOOKED_AT)]
        if first and all(is_image(Path(value)) for value in first):
            safe = [value for value in first if _bad_path(value) is None]
            if any((path.parent / value.strip()).is_file() for value in safe):
                return name
    return None


def list_table(source: Source, config: Config, *, labelled: bool) -> Listing:
    """Return the images that a table names; rows without a path or a label are refused.

    Where `labelled` is False the columns of labels, splits and groups may be missing, and labels are then UNKNOWN.
    Raises UserError where no column holds paths, or one that the config names does not exist.
    """
    frame, parts, refused = _read(source)
    first = next(iter(source.parts.values()))[0]
    path_name = _path_column(frame, first, config)
    if path_name is None:
        raise UserError(f"{source.address}: no column holds the paths of images. Name it with --path-column.")
    split_name, group_name = _split_and_group(frame, first, config, labelled)
    target = config.target
    if target is None:
        target = _only_other(frame, {path_name, split_name, group_name, ORIGIN, ROW}, first, labelled)
    if labelled:
        _column(frame, target, first)
    if split_name and "all" in parts:
        parts = _split_rows(frame[split_name], first)
    names = [None if name is None else str(name).strip() for name in frame[path_name]]
    has_target = target in frame.columns
    labels = [None if value is None else str(value).strip() for value in frame[target]] if has_target else None
    kept, bad = _choose_rows(frame, names, labels if labelled else None)
    refused += bad
    rows = np.flatnonzero(kept)
    position = np.cumsum(kept) - 1
    parts = {split: position[part[kept[part]]] for split, part in parts.items()}
    paths = tuple(Path(frame[ORIGIN][row]).parent / str(names[row]) for row in rows.tolist())
    known = [labels[row] or None for row in rows.tolist()] if labels is not None else [None] * len(rows)
    classes = in_order({label for label in known if label is not None})
    codes = np.append(code_labels(classes, classes, source.address), UNKNOWN)
    places = {name: code for code, name in enumerate(classes)}
    groups = frame[group_name].cast(pl.String).fill_null("").to_numpy()[rows].astype(str) if group_name else None
    return Listing(
        [str(names[row]) for row in rows.tolist()],
        codes[[UNKNOWN if label is None else places[label] for label in known]],
        classes,
        parts,
        target,
        paths=paths,
        groups=groups,
        refused=tuple(refused),
    )


def _read(source: Source) -> tuple[pl.DataFrame, dict[str, np.ndarray], list[Refusal]]:
    """Return all rows of all files end to end, the rows of each split, and those that cannot be read."""
    frames, parts, start = [], {}, 0
    refused: list[Refusal] = []
    for split, paths in source.parts.items():
        tables = [(path, read_table_file(path)) for path in paths]
        refused += [refusal for _, table in tables for refusal in table.refused]
        frames += [_with_origin(path, table) for path, table in tables]
        count = sum(table.frame.height for _, table in tables)
        parts[split] = np.arange(start, start + count)
        start += count
    return pl.concat(frames, how="diagonal_relaxed"), parts, refused


def _with_origin(path: Path, table: TableFile) -> pl.DataFrame:
    return table.frame.with_columns(pl.Series(ROW, table.rows), pl.lit(str(path)).alias(ORIGIN))


def _split_and_group(frame: pl.DataFrame, path: Path, config: Config, labelled: bool) -> tuple[str | None, str | None]:
    """Return the columns of splits and groups; those that the config names must exist where the data is labelled."""
    split_name = config.split_column or SPLIT_COLUMN
    if (labelled and config.split_column) or split_name in frame.columns:
        _column(frame, split_name, path)
    group_name = config.group_column
    if group_name and labelled:
        _column(frame, group_name, path)
    names = [name if name in frame.columns else None for name in (split_name, group_name or "")]
    return names[0], names[1]


def _choose_rows(
    frame: pl.DataFrame, names: list[str | None], labels: list[str | None] | None
) -> tuple[np.ndarray, list[Refusal]]:
    """Return which rows have a path within the table's folder and, where needed, a label; and why others have not."""
    kept = np.ones(len(names), dtype=bool)
    refused = []
    for row, name in enumerate(names):
        reason = _bad_path(name) or ("the label is missing" if labels is not None and not labels[row] else None)
        if reason:
            kept[row] = False
            where = f"{Path(frame[ORIGIN][row]).name} row {frame[ROW][row]}"
            refused.append(Refusal(where=where, reason=reason))
    return kept, refused


def _bad_path(name: str | None) -> str | None:
    if not name or not name.strip():
        return "the path is missing"
    path = PurePath(name.strip())
    return f"`{path}` leads out of the table's folder" if path.is_absolute() or ".." in path.parts else None


def _column(table: pl.DataFrame, name: str, path: Path) -> str:
    if name not in table.columns:
        known = [column for column in table.columns if column not in (ORIGIN, ROW)]
        raise UserError(f"{path}: there is no column `{name}`.{nearest(name, known)} It has: {', '.join(known)}.")
    return name


def _only_other(table: pl.DataFrame, taken: set[str | None], path: Path, labelled: bool) -> str:
    """Return the one column that is left for the class."""
    others = [name for name in table.columns if name not in taken]
    if labelled and len(others) != 1:
        raise UserError(
            f"{path}: which column is the class? Name it with --target: {', '.join(others) or 'none left'}."
        )
    return others[0] if len(others) == 1 else "class"


def _split_rows(column: pl.Series, path: Path) -> dict[str, np.ndarray]:
    splits = np.array([SPLIT_NAMES.get(str(value).strip().lower(), "") for value in column])
    if (splits == "").any():
        row = int(np.flatnonzero(splits == "")[0])
        raise UserError(f"{path}: `{column[row]}` in column `{column.name}` is none of train, valid, test.")
    return {split: np.flatnonzero(splits == split) for split in ("train", "valid", "test") if (splits == split).any()}
