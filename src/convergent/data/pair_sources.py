"""Where sentences and their translations lie: two columns of a table, one pair a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from convergent.config import Config
from convergent.data.columns import as_text, check_names
from convergent.data.source import Source
from convergent.data.table_parts import Table, Understood, find_split_column, read_parts
from convergent.data.text_sources import mean_words, without_empty
from convergent.types import UserError

LOOKED_AT = 1000
FEWEST_WORDS = 2.5
DIFFERENT = 0.5  # share of the values that occur once at least: a column of classes says the same again and again
SEVERAL = 0.1  # the same of sentences, of which one may have several translations
SOURCE_NAMES, TARGET_NAMES = ("source", "src", "input"), ("target", "tgt", "trg", "translation", "reference")
LANGUAGES = frozenset([
    "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga", "gl",
    "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "ko", "lt", "lv", "mk", "ms", "mt", "nl", "no",
    "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "zh", "arabic",
    "basque", "bulgarian", "catalan", "chinese", "croatian", "czech", "danish", "dutch", "english", "estonian",
    "finnish", "french", "german", "greek", "hebrew", "hindi", "hungarian", "icelandic", "indonesian", "irish",
    "italian", "japanese", "korean", "latin", "latvian", "lithuanian", "norwegian", "persian", "polish",
    "portuguese", "romanian", "russian", "serbian", "slovak", "slovenian", "spanish", "swahili", "swedish", "tamil",
    "thai", "turkish", "ukrainian", "urdu", "vietnamese", "welsh",
])  # fmt: skip


class PairColumns(NamedTuple):
    """The columns of the sentences and of their translations, and why they were taken."""

    source: str
    target: str
    why: str


def pair_columns(frame: pl.DataFrame, config: Config, address: str) -> PairColumns | None:
    """Return the columns that hold pairs: those asked for, two called like languages, or the only two, of texts.

    None where there are none. Raises UserError where one that was asked for does not exist.
    """
    given = [name for name in (config.source_column, config.target) if name is not None]
    for option, name in (("source-column", config.source_column), ("target", config.target)):
        if name is not None:
            check_names([name], frame.columns, option, address)
    if config.source_column is not None and config.source_column == config.target:
        raise UserError(f"--source-column and --target both name `{config.target}`: a translation has two sides.")
    used = (config.split_column, config.group_column, *config.drop)
    texts = [name for name in frame.columns if frame[name].dtype == pl.String and name not in used]
    if config.source_column is not None and config.target is not None:
        return PairColumns(config.source_column, config.target, "as asked for")
    named = _named(texts)
    found = named or _two_texts(frame, texts)
    if found is None or not set(given) <= set(found):
        return None
    first, second = found
    if second == config.source_column or first == config.target:
        first, second = second, first
    return PairColumns(first, second, "by their names" if named else "the only two, both of texts")


def _named(names: Sequence[str]) -> tuple[str, str] | None:
    """Return (source, target) where two columns say by their names that they are; else None."""
    roles = [[name for name in names if name.lower() in known] for known in (SOURCE_NAMES, TARGET_NAMES)]
    if all(len(some) == 1 for some in roles):
        return roles[0][0], roles[1][0]
    languages = [name for name in names if name.lower().replace("_", "-").split("-")[0] in LANGUAGES]
    return (languages[0], languages[1]) if len(languages) == 2 else None


def _two_texts(frame: pl.DataFrame, texts: list[str]) -> tuple[str, str] | None:
    """Return the only two columns of sentences, beside which nothing but numbers of the rows may stand; else None."""
    sentences = [name for name in texts if mean_words(frame[name]) >= FEWEST_WORDS]
    others = [name for name in frame.columns if name not in sentences and name.lower() not in ("id", "split")]
    if len(sentences) != 2 or others or not all(_differ(frame[name]) for name in sentences):
        return None
    return sentences[0], sentences[1]


def _differ(values: pl.Series, least: float = DIFFERENT) -> bool:
    some = as_text(values.head(LOOKED_AT)).drop_nulls()
    return some.n_unique() > least * len(some)


def holds_pairs(source: Source, config: Config) -> PairColumns | None:
    """Return the columns of pairs in a table without classes; None where it is another kind of data."""
    if source.kind != "table" or config.path_column is not None or config.text_column is not None:
        return None
    parts = read_parts(source)
    frame = (parts.get("train") or next(iter(parts.values()))).frame
    found = pair_columns(frame, config, source.address)
    if found is None or config.source_column is not None:
        return found
    source_side, target_side = frame[found.source], frame[found.target]
    texts = source_side.dtype == target_side.dtype == pl.String
    return found if texts and _differ(target_side) and _differ(source_side, SEVERAL) else None


def understand_pairs(source: Source, config: Config) -> tuple[Understood, str]:
    """Return the pairs as an understood table, and the column of the sentences; pairs with an empty side are refused.

    Raises UserError where no columns hold pairs.
    """
    if source.kind != "table":
        raise UserError(f"{source.address}: translation learns from a table with a sentence and its translation a row.")
    parts = read_parts(source)
    first = (parts.get("train") or next(iter(parts.values()))).frame
    split_column = find_split_column(first, config, source.address, has_files="all" not in parts)
    columns = pair_columns(first, config, source.address)
    if columns is None:
        names = ", ".join(first.columns[:20])
        raise UserError(
            f"{source.address}: which columns hold the sentences and their translations? "
            f"Say it with --source-column and --target: {names}."
        )
    for part, table in parts.items():
        check_sides(table, columns, f"the {part} file of {source.address}")
    if config.group_column:
        check_names([config.group_column], first.columns, "group-column", source.address)
    whole = {name: without_empty(without_empty(table, columns.source), columns.target) for name, table in parts.items()}
    reason = f"`{columns.source}` is translated into `{columns.target}`"
    return Understood(whole, columns.target, columns.why, False, reason, (), split_column), columns.source


def check_sides(table: Table, columns: PairColumns, where: str) -> None:
    """Raise UserError where a table lacks one of the columns."""
    for name in (columns.source, columns.target):
        if name not in table.frame.columns:
            known = ", ".join(table.frame.columns[:10])
            raise UserError(f"{where}: lacks the column `{name}`. It has: {known}.")
