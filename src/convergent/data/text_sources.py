"""Where texts and their classes lie: a column of a table, or files in class folders, as one table either way."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from convergent.config import Config
from convergent.data.columns import Column, as_text, check_names
from convergent.data.source import Source, class_folders, is_text, walk_files
from convergent.data.table_parts import Table, Understood, understand
from convergent.data.text_files import read_text
from convergent.types import Refusal, UserError

FEWEST_WORDS = 2.5
MOST_BYTES = 64 * 2**20
TARGET = "class"
CLASS = re.compile(r"[\w-]+")
MOST_CLASSES, FEWEST_SWALLOWED = 100, 2


def text_rows(values: pl.Series) -> list[str]:
    """Return the texts of a column, an empty one where there is none."""
    return [value or "" for value in values.cast(pl.String).to_list()]


def text_column(known: Understood, config: Config, address: str) -> str | None:
    """Return the column that holds the texts: the one asked for, or the one with most words; None where there is none.

    Raises UserError where the one asked for does not exist.
    """
    frame = (known.parts.get("train") or next(iter(known.parts.values()))).frame
    if config.text_column is not None:
        check_names([config.text_column], frame.columns, "text-column", address)
        return config.text_column
    free = [column.name for column in known.columns if column.kind in ("text", "identifier")]
    words = {name: mean_words(frame[name]) for name in free if frame[name].dtype == pl.String}
    best = max(words, key=lambda name: words[name], default=None)
    return best if best is not None and words[best] >= FEWEST_WORDS else None


def mean_words(values: pl.Series) -> float:
    """Return how many words the first values have on average.

    >>> mean_words(pl.Series(["one", "two words and more"]))
    2.5
    """
    return float(as_text(values).drop_nulls().head(1000).str.count_matches(r"\S+").mean() or 0.0)  # type: ignore[arg-type]


def understand_texts(source: Source, config: Config) -> tuple[Understood, str]:
    """Return the texts as an understood table of classes, and the column that holds them; empty texts are refused.

    Raises UserError where no column holds texts.
    """
    if source.kind == "text_folders":
        _refuse_columns(config, source.address)
        known, column = _understand_folders(source), "text"
    else:
        known = replace(understand(source, config), classes=True)
        found = text_column(known, config, source.address)
        if found is None:
            names = ", ".join(one.name for one in known.columns[:20])
            raise UserError(f"{source.address}: no column holds texts. Name it with --text-column: {names}.")
        column = found
        parts = {name: without_swallowed(table, column, known.target) for name, table in known.parts.items()}
        known = replace(known, parts=parts)
    return replace(known, parts={name: without_empty(table, column) for name, table in known.parts.items()}), column


def _refuse_columns(config: Config, address: str) -> None:
    """Raise UserError for an option that names a column, of texts that lie in folders."""
    for option, ours in (("target", TARGET), ("text_column", "text"), ("split_column", None), ("group_column", None)):
        if getattr(config, option) not in (None, ours):
            name = f"--{option.replace('_', '-')} {getattr(config, option)}"
            raise UserError(f"{name}: {address} holds folders, each of one class, and no columns. Leave it away.")


def without_empty(table: Table, column: str) -> Table:
    """Return the rows that hold a text; the others are refused."""
    empty = (table.frame[column].cast(pl.String).fill_null("").str.strip_chars() == "").to_numpy()
    if not empty.any():
        return table
    refused = [Refusal(where=name, reason=f"`{column}` is empty") for name in table.names.filter(pl.Series(empty))]
    return replace(table.take(np.flatnonzero(~empty)), refused=(*table.refused, *refused))


def without_swallowed(table: Table, column: str, target: str) -> Table:
    """Return the rows whose text is one text; those that hold whole rows are refused: a quote is not closed there.

    A row shows in a text as a line that begins, or ends, with one of the classes and what separates fields.
    """
    texts = table.frame[column].cast(pl.String).fill_null("")
    classes = [one for one in as_text(table.frame[target]).drop_nulls().unique().to_list() if CLASS.fullmatch(one)]
    if not 0 < len(classes) <= MOST_CLASSES or not texts.str.contains("\n", literal=True).any():
        return table
    any_of, ends = "|".join(classes), r"\t" if any(one.isdigit() for one in classes) else r"[\t,;|]"
    counts = texts.str.count_matches(rf'\n"?(?:{any_of})"?{ends}|{ends}"?(?:{any_of})"?\n').to_numpy()
    bad = counts >= FEWEST_SWALLOWED
    refused = [
        Refusal(where=name, reason=f"`{column}` holds {count} lines that are rows themselves: a quote is not closed")
        for name, count in zip(table.names.filter(pl.Series(bad)), counts[bad].tolist(), strict=True)
    ]
    return replace(table.take(np.flatnonzero(~bad)), refused=(*table.refused, *refused)) if refused else table


def _understand_folders(source: Source) -> Understood:
    parts = {name: _read_parts(roots, len(source.parts) > 1) for name, roots in source.parts.items()}
    first = parts.get("train") or next(iter(parts.values()))
    count = first.frame[TARGET].n_unique()
    columns = (
        Column(name="text", kind="text", missing=0, example=str(first.frame["text"][0])[:40]),
        Column(name=TARGET, kind="target", missing=0, example=str(first.frame[TARGET][0])),
    )
    return Understood(parts, TARGET, "each class has a folder", True, f"{count} folders of texts", columns, None)


def _read_parts(roots: tuple[Path, ...], several: bool) -> Table:
    files = []
    for root in roots:
        base = root.parent if several else root
        for folder in class_folders(root):
            files += [(path, path.relative_to(base).as_posix(), folder.name) for path in walk_files(folder)]
    return _table(files)


def read_text_files(source: Source, target: str) -> Table:
    """Return text files, each as one row with its text and, where they lie in class folders, its class."""
    if source.kind == "text_folders":
        table = _read_parts(tuple(root for roots in source.parts.values() for root in roots), len(source.parts) > 1)
        return Table(table.frame.rename({TARGET: target}), table.rows, table.names, table.refused)
    files = [(path, str(path), "") for paths in source.parts.values() for path in paths]
    table = _table(files)
    return Table(table.frame.drop(TARGET), table.rows, table.names, table.refused)


def _table(files: list[tuple[Path, str, str]]) -> Table:
    """Return (path, name, class) of files as rows; what is no text is refused with the reason."""
    rows: list[tuple[str, str, str]] = []
    refused = []
    for path, name, label in files:
        try:
            rows.append((_text_of(path), label, name))
        except ValueError as error:
            refused.append(Refusal(where=name, reason=str(error)))
    if not rows:
        first = f" ({refused[0].where} {refused[0].reason})" if refused else ""
        raise UserError(f"none of {len(files)} files can be read as text{first}.")
    texts, labels, names = (list(column) for column in zip(*rows, strict=True))
    frame = pl.DataFrame({"text": texts, TARGET: labels}, schema={"text": pl.String, TARGET: pl.String})
    return Table(frame, np.arange(1, len(rows) + 1), pl.Series("name", names, dtype=pl.String), tuple(refused))


def _text_of(path: Path) -> str:
    if not is_text(path):
        raise ValueError("is no text by its name")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MB: that is no single text")
    return read_text(path)
