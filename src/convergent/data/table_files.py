"""Reading a table file: csv and tsv (RFC 4180), parquet, and one JSON object a line.

Polars reads quickly but fills short rows of a csv with nulls and says nothing, so a file that looks ragged is read a
second time with Python's csv module, which counts the fields.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from convergent.types import Refusal, UserError

MAX_CELLS = 4_000_000_000
DELIMITERS = (",", ";", "\t", "|")
MAX_FIELD = 1 << 24
LOOKED_AT, FEWEST_ROWS, FEWEST_WORDS = 200, 5, 2.0  # of a file without a header: lines, rows, words of a text


@dataclass(frozen=True)
class TableFile:
    """The rows of a file that can be read.

    frame    csv: every column as strings, an empty field as null; others: the types of the file
    rows     for each row of `frame` its number in the file, from 1, a header not counted
    refused  the rows that cannot be read, with their numbers
    """

    frame: pl.DataFrame
    rows: npt.NDArray[np.int64]
    refused: tuple[Refusal, ...] = ()

    @property
    def total(self) -> int:
        """Rows in the file, readable or not."""
        return len(self.rows) + len(self.refused)


def read_table_file(path: Path) -> TableFile:
    """Return the rows of a csv, tsv, parquet or jsonl file.

    Raises UserError for a file that cannot be opened, is empty, has no header, or names a column twice.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _read_parquet(path)
        if suffix in (".jsonl", ".ndjson"):
            return _read_json_lines(path)
        return _read_csv(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _read_parquet(path: Path) -> TableFile:
    try:
        lazy = pl.scan_parquet(path)
        columns = len(lazy.collect_schema())
        height = int(lazy.select(pl.len()).collect().item())
        if columns * height > MAX_CELLS:
            raise UserError(f"{path}: says it has {height} rows of {columns} columns: too many to hold in memory.")
        frame = lazy.collect()
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path}: is not a parquet file ({_one_line(error)}).") from None
    return TableFile(frame, np.arange(1, frame.height + 1))


def _read_json_lines(path: Path) -> TableFile:
    records, rows, refused = [], [], []
    lines = (line for line in read_text(path).splitlines() if line.strip())
    for row, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            records.append(record)
            rows.append(row)
        else:
            refused.append(Refusal(where=f"{path.name} row {row}", reason="is not a JSON object"))
    if not records:
        raise UserError(f"{path}: holds no JSON object a line ({len(refused)} lines that are none).")
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = [_json_column(name, [record.get(name) for record in records]) for name in names]
    return TableFile(pl.DataFrame(columns), np.array(rows, dtype=np.int64), tuple(refused))


def _json_column(name: str, values: list[object]) -> pl.Series:
    """Return a column of numbers where all values are; booleans and all mixtures as text."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return pl.Series(name, [None if value is None else float(str(value)) for value in values], dtype=pl.Float64)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def _read_csv(path: Path) -> TableFile:
    text = read_text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else sniff_delimiter(text)
    text, names = _with_header(path, text, delimiter)
    try:
        frame = pl.read_csv(io.BytesIO(text.encode()), separator=delimiter, infer_schema=False, has_header=True)
        looks_whole = frame.width == len(names) and frame.height > 0 and frame.to_series(-1).null_count() == 0
    except pl.exceptions.PolarsError:
        looks_whole = False
    if looks_whole:
        frame.columns = names
        return TableFile(frame, np.arange(1, frame.height + 1))
    return _count_fields(path, text, delimiter, names)


def _count_fields(path: Path, text: str, delimiter: str, names: list[str]) -> TableFile:
    """Return the rows that have as many fields as the header; refuse the others."""
    whole: list[list[str]] = []
    rows, refused = [], []
    try:
        for row, fields in enumerate(_csv_rows(text, delimiter)):
            if row and len(fields) == len(names):
                whole.append(fields)
                rows.append(row)
            elif row:
                reason = f"has {len(fields)} fields, the header has {len(names)}"
                refused.append(Refusal(where=f"{path.name} row {row}", reason=reason))
    except csv.Error as error:
        raise UserError(f"{path}: row {len(whole) + len(refused) + 1} cannot be read as csv ({error}).") from None
    if not whole:
        first = f" ({refused[0].where} {refused[0].reason})" if refused else ""
        raise UserError(f"{path}: has a header and no row that fits it{first}.")
    columns = {name: [fields[place] or None for fields in whole] for place, name in enumerate(names)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    return TableFile(frame, np.array(rows, dtype=np.int64), tuple(refused))


def _csv_rows(text: str, delimiter: str) -> list[list[str]]:
    """Return the fields of each row, blank lines left out."""
    csv.field_size_limit(MAX_FIELD)
    return [fields for fields in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if fields]


def read_text(path: Path) -> str:
    """Return the content of a text file in UTF-8, or UTF-16 with its mark; the mark is left out.

    Raises UserError for an empty file and for other encodings, with the line of the first wrong byte.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = f"byte 0x{content[error.start]:02x} in line {line}"
        raise UserError(f"{path}: {byte} is not UTF-8. Save the file as UTF-8 (iconv -f latin1 -t utf-8).") from None
    if not text.strip():
        raise UserError(f"{path}: the file is empty.")
    if "\0" in text:
        raise UserError(f"{path}: is not a text file (it holds zero bytes).")
    return text


def sniff_delimiter(text: str) -> str:
    r"""Return what separates the fields: of comma, semicolon, tab and bar what cuts the first lines most evenly.

    >>> sniff_delimiter("a;b\n1,5;2\n"), sniff_delimiter("name\nx\n")
    (';', ',')
    """
    sample = io.StringIO("\n".join(text[: 1 << 16].splitlines()[:50]))
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        sample.seek(0)
        try:
            widths = Counter(len(fields) for fields in csv.reader(sample, delimiter=delimiter) if fields)
        except csv.Error:
            continue
        width, lines = widths.most_common(1)[0] if widths else (1, 0)
        score = (round(lines / max(1, widths.total()), 1), width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _with_header(path: Path, text: str, delimiter: str) -> tuple[str, list[str]]:
    """Return the text with a header, and the column names in it: a file of texts and classes may lack one."""
    names = headless_names(text, delimiter)
    if names is None:
        return text, _header(path, text, delimiter)
    return delimiter.join(names) + "\n" + text, names


def headless_names(text: str, delimiter: str) -> list[str] | None:
    """Return names for two columns that have no header; else None.

    They hold texts and their classes in either order, of which a header's word does not occur again below it, or
    sentences and their translations, of which a header is a word or two and no sentence.

    >>> headless_names("good film\\t1\\nso bad a film\\t0\\nwhat a film\\t1\\n" * 3, "\\t")
    ['text', 'label']
    >>> headless_names("text\\tlabel\\n" + "what a film\\t1\\n" * 8, "\\t") is None
    True
    """
    whole = text[: 1 << 20].splitlines()[: -1 if len(text) > 1 << 20 else None]  # the last may be cut
    sample = io.StringIO("\n".join(whole[:LOOKED_AT]), newline="")
    try:
        rows = [fields for fields in csv.reader(sample, delimiter=delimiter) if fields]
    except csv.Error:
        return None
    if len(rows) < FEWEST_ROWS or any(len(fields) != 2 for fields in rows):
        return None
    for place in (0, 1):
        words = sum(len(fields[1 - place].split()) for fields in rows[1:]) / len(rows)
        values = [fields[place] for fields in rows[1:]]
        if words >= FEWEST_WORDS and rows[0][place] in values and len(set(values)) <= len(values) / 2:
            return ["label", "text"] if place == 0 else ["text", "label"]
    sentences = all(sum(len(row[place].split()) for row in rows) >= FEWEST_WORDS * len(rows) for place in (0, 1))
    return ["source", "target"] if sentences and all(map(_is_sentence, rows[0])) else None


def _is_sentence(text: str) -> bool:
    """Return whether a field reads as a sentence rather than as the name of a column.

    >>> _is_sentence("Two men sit."), _is_sentence("Halt!"), _is_sentence("German text"), _is_sentence("source")
    (True, True, False, False)
    """
    return len(text.split()) > 2 or text.rstrip().endswith((".", "!", "?"))


def _header(path: Path, text: str, delimiter: str) -> list[str]:
    """Return the column names; a column without one is called column_N. Raises UserError where the header is none."""
    try:
        first = next(fields for fields in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if fields)
    except (csv.Error, StopIteration) as error:
        raise UserError(f"{path}: the header cannot be read ({error}).") from None
    numbers = [name for name in first if _is_number(name)]
    if len(numbers) > len(first) / 2:
        raise UserError(
            f"{path}: has no header: its first line holds numbers ({', '.join(numbers[:3])}). "
            "Put a line with the columns' names before it."
        )
    names = [name.strip() or f"column_{place}" for place, name in enumerate(first, start=1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"{path}: the column `{twice[0]}` occurs {names.count(twice[0])} times. Rename all but one.")
    return names


def _is_number(text: str) -> bool:
    """Return whether a header's field is a number and no year, which wide tables have as names."""
    try:
        value = float(text)
    except ValueError:
        return False
    return not (value.is_integer() and 1800 <= value <= 2100)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
