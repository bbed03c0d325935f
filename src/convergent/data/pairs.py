"""Sentences and their translations as tokens: read, split, one tokeniser for both languages fitted on train, encoded.

A shared vocabulary of byte pairs: Sennrich et al. 2016, https://arxiv.org/abs/1508.07909. A source ends with the token
END; what the decoder is given begins with it, and what it shall answer ends with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from convergent.config import Config
from convergent.data.bad import enforce_limit
from convergent.data.pair_sources import understand_pairs
from convergent.data.source import Source
from convergent.data.table_parts import Table, forget, read_tables, split_rows
from convergent.data.text import CHARACTERS_A_TOKEN, Given, fingerprint_of, histogram
from convergent.data.text_files import read_text
from convergent.data.text_sources import text_rows
from convergent.data.tokens import (
    END,
    PAD,
    Tokenizer,
    TranslatorTokenizer,
    normalised,
    tokenizer_from_json,
    train_tokenizer,
)
from convergent.types import Batch, DataSpec, Refusal, Splits, UserError

Ints = npt.NDArray[np.int64]
CONTEXT = 256
VOCABULARY = 8_000
REFERENCE_CONTEXTS = 4  # times the context: as much of a reference is kept, however long it is
NOTHING = -1


class PairFeatures(BaseModel):
    """How pairs become tokens: `DataSpec.features` of translation.

    source     the column of the sentences; that of the translations is the target
    tokenizer  as `tokenizer_from_json` takes it, of both languages
    context    tokens of a side that are read, its end among them
    lengths    tokens of the training sentences and of their translations: shortest, quartiles, longest
    histogram  how many training translations have at most so many tokens, and more than the number before
    cut        pairs of each split of which a side is longer than `context`; of the training split they are refused
    unigram    how often each token occurs in the training translations
    start      the pretrained network that translates, without its weights; None where one is trained from scratch
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    tokenizer: dict[str, Any]
    context: int
    lengths: dict[str, tuple[int, ...]]
    histogram: dict[int, int]
    cut: dict[str, int]
    unigram: list[int]
    start: dict[str, Any] | None = None


class PairSamples:
    """Pairs in memory, encoded: a batch is a look-up.

    lengths  tokens of each sentence and of each translation with their ends, (N, 2)
    refused  rows that could not be read
    notes    what a person should know of how the pairs were read
    """

    decoded = True

    def __init__(
        self, sources: Sequence[str], targets: Sequence[str | None], names: Sequence[str], tokenizer: Tokenizer,
        context: int, refused: Sequence[Refusal] = (), notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        most = REFERENCE_CONTEXTS * context
        opening = tokenizer.opening if isinstance(tokenizer, TranslatorTokenizer) else []
        whole = [encode(text, tokenizer, most) for text in sources]
        references = [encode(text, tokenizer, most) if text is not None else None for text in targets]
        self.full_lengths = np.array([
            (len(opening) + len(s) + 1, len(t or ()) + 1) for s, t in zip(whole, references, strict=True)
        ])  # fmt: skip
        self._sources = [[*opening, *ids[: context - 1 - len(opening)], END] for ids in whole]
        self._decoder = [[END, *(ids or ())[: context - 1]] for ids in references]
        self._references = [[*ids, END] if ids is not None else [] for ids in references]
        self.lengths = np.array([(len(s), len(t)) for s, t in zip(self._sources, self._decoder, strict=True)], np.int64)
        self.reference_width = max(map(len, [*self._references, *self._decoder]), default=1)
        self.source_width = max(map(len, self._sources), default=1)
        self.refused, self.notes = refused, [*notes, *_cut_note(self.full_lengths, context)]
        self.context = context
        self._texts, self._translations, self._names = sources, targets, names

    def __len__(self) -> int:
        return len(self._texts)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the pairs at `indices`: inputs (source_BS, decoder_BT), padded to the longest of each.

        Targets (B, W) are as wide whatever the batch: the reference's ids with its end, NOTHING, and behind it the
        source's ids as negative numbers (see `sources_of`), from which the baseline copies.
        """
        at = np.asarray(indices).tolist()
        sources, decoder = ([some[i] for i in at] for some in (self._sources, self._decoder))
        references = _padded([self._references[i] for i in at], self.reference_width, NOTHING)
        copied = _padded([[hidden(one) for one in ids] for ids in sources], self.source_width, NOTHING)
        inputs = tuple(_padded(some, max(map(len, some)), PAD) for some in (sources, decoder))
        return Batch(inputs, torch.cat([references, copied], 1))

    def name(self, index: int) -> str:
        """Return "row 17", or the sentence itself."""
        return self._names[index]

    def text(self, index: int) -> str:
        """Return the sentence as it was read."""
        return self._texts[index]

    def translation(self, index: int) -> str:
        """Return the reference as it was read; nothing where there is none."""
        return self._translations[index] or ""

    @property
    def num_cut(self) -> int:
        """How many pairs have a side that is longer than the context."""
        return int((self.full_lengths > self.context).any(1).sum())


def encode(text: str, tokenizer: Tokenizer, most: int) -> list[int]:
    """Return the first `most` ids of a sentence without the blanks around it; of more characters none is looked at."""
    return tokenizer.encode(text.strip()[: most * CHARACTERS_A_TOKEN])[:most]


def hidden(token: int) -> int:
    """Return a source's token as it stands in the targets: below NOTHING, so that nobody learns to answer it."""
    return NOTHING - 1 - token


def reference_of(target_W: Tensor) -> list[int]:
    """Return the ids of the reference in a row of targets, without its end.

    >>> reference_of(torch.tensor([7, 8, 2, -1, -9, -4])), source_of(torch.tensor([7, 8, 2, -1, -9, -4]))
    ([7, 8], [7])
    """
    return [one for one in target_W.tolist() if one >= 0 and one != END]


def source_of(target_W: Tensor) -> list[int]:
    """Return the ids of the source in a row of targets, without its end."""
    return [hidden(one) for one in target_W.tolist() if one < NOTHING and hidden(one) != END]


def _padded(rows: Sequence[Sequence[int]], width: int, value: int) -> Tensor:
    out = np.full((len(rows), width), value, dtype=np.int64)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return torch.from_numpy(out)


def load_pairs(source: Source, config: Config, task: str, given: Given | None = None) -> Splits:
    """Return the splits of pairs; raises UserError where no columns hold them, or too many rows are unusable.

    given  the pretrained network that is to translate
    """
    known, column = understand_pairs(source, config)
    refused = [one for table in known.parts.values() for one in table.refused]
    total = len(refused) + sum(len(table.rows) for table in known.parts.values())
    enforce_limit(refused, total, config.max_bad)
    start = given.start if given else None
    fingerprint = fingerprint_of(known.parts, column, known.target, start["sha256"] if start else "")
    tables, how = split_rows(known, config, together=column)
    forget()
    tokenizer = given.tokenizer if given else make_tokenizer(tables["train"], (column, known.target), config)
    context = config.context or min(CONTEXT, (given and given.most) or CONTEXT)
    samples = {name: _samples(table, column, known.target, tokenizer, context) for name, table in tables.items()}
    cut = {name: part.num_cut for name, part in samples.items()}
    if cut["train"]:
        places, over = _over_long(samples["train"], tables["train"], context)
        refused = list(enforce_limit([*refused, *over], total, config.max_bad))
        samples["train"] = _samples(tables["train"].take(places), column, known.target, tokenizer, context)
    spec = DataSpec(
        task=task,
        source=source.address,
        modality="pairs",
        fingerprint=fingerprint,
        sizes={name: len(part) for name, part in samples.items()},
        split=f"{known.reason} ({known.target_note}). {how}",
        target=known.target,
        features=describe_pairs(samples["train"], column, tokenizer, context, cut, start).model_dump(mode="json"),
        refused=refused,
    )
    return Splits(spec, samples["train"], samples["valid"], samples.get("test"))


def _samples(table: Table, column: str, target: str, tokenizer: Tokenizer, context: int) -> PairSamples:
    sentences, translations = (text_rows(table.frame[name]) for name in (column, target))
    return PairSamples(sentences, translations, table.names.to_list(), tokenizer, context)


def _over_long(samples: PairSamples, table: Table, context: int) -> tuple[Ints, list[Refusal]]:
    """Return the places of the pairs that fit into the context, and the others as refused.

    A pair that is cut teaches to leave out what stands at the end.
    """
    longest_N = samples.full_lengths.max(1)
    over = [
        Refusal(
            where=table.names[place], reason=f"a side has {longest_N[place]} tokens or more, --context is {context}"
        )
        for place in np.flatnonzero(longest_N > context).tolist()
    ]
    return np.flatnonzero(longest_N <= context), over


def make_tokenizer(table: Table, columns: tuple[str, str], config: Config) -> Tokenizer:
    """Return the tokeniser of both languages, fitted on the training pairs; raises UserError where it loses text."""
    kind = config.tokenizer or "bpe"
    if kind not in ("bpe", "bytes"):
        raise UserError(f"--tokenizer {kind} does not give back every text. Use bpe or bytes.")
    most = (config.context or CONTEXT) * CHARACTERS_A_TOKEN
    texts = (text.strip()[:most] for name in columns for text in text_rows(table.frame[name]))
    return train_tokenizer(kind, texts, config.vocabulary_size or VOCABULARY)


def describe_pairs(
    train: PairSamples, column: str, tokenizer: Tokenizer, context: int, cut: dict[str, int],
    start: dict[str, Any] | None,
) -> PairFeatures:  # fmt: skip
    """Return what is known of the pairs from the training split, with what was cut in each split."""
    quantiles = np.quantile(train.lengths, (0, 0.25, 0.5, 0.75, 1), axis=0).astype(int)
    answers = np.concatenate([train._references[place] for place in range(len(train))])
    return PairFeatures(
        source=column,
        tokenizer=tokenizer.to_json(),
        context=context,
        lengths={name: tuple(quantiles[:, place].tolist()) for place, name in enumerate(("source", "target"))},
        histogram=histogram(train.lengths[:, 1]),
        cut=cut,
        unigram=np.bincount(answers, minlength=tokenizer.size).tolist(),
        start=start,
    )


def read_pairs(source: Source, spec: DataSpec, config: Config) -> PairSamples:
    """Return new sentences, and their translations where there are some, by the tokeniser of `spec`.

    A text file has a sentence a line. Every readable one is kept, in order. Raises UserError where the column of the
    sentences is missing, or too many rows cannot be read.
    """
    features = PairFeatures.model_validate(spec.features)
    if source.kind == "text":
        return _of_lines(source, features)
    if source.kind != "table":
        raise UserError(f"{source.address}: the model translates texts; give a table, .txt files or a sentence.")
    table = read_tables(tuple(path for part in source.parts.values() for path in part), len(source.parts) > 1)
    enforce_limit(table.refused, len(table.rows) + len(table.refused), config.max_bad)
    if features.source not in table.frame.columns:
        known = ", ".join(table.frame.columns[:10])
        raise UserError(f"{source.address}: lacks the column `{features.source}` of the sentences. It has: {known}.")
    sentences = text_rows(table.frame[features.source])
    answers: list[str | None] = [None] * len(sentences)
    if spec.target in table.frame.columns:
        answers = [text if text.strip() else None for text in text_rows(table.frame[spec.target])]
    return _new_samples(sentences, answers, table.names.to_list(), features, table.refused)


def _of_lines(source: Source, features: PairFeatures) -> PairSamples:
    sentences, names, refused = [], [], []
    paths = [path for paths in source.parts.values() for path in paths]
    for path in paths:
        try:
            lines = read_text(path).splitlines()
        except ValueError as error:
            refused.append(Refusal(where=str(path), reason=str(error)))
            continue
        for number, line in enumerate(lines, 1):
            if line.strip():
                sentences.append(line)
                names.append(f"line {number}" + (f" of {path.name}" if len(paths) > 1 else ""))
    if not sentences:
        first = f" ({refused[0].where} {refused[0].reason})" if refused else ""
        raise UserError(f"{source.address}: holds no sentence{first}.")
    return _new_samples(sentences, [None] * len(sentences), names, features, refused)


def samples_of_sentence(text: str, spec: DataSpec, config: Config) -> PairSamples:
    """Return one sentence that was given directly as samples."""
    return _new_samples([text], [None], [text], PairFeatures.model_validate(spec.features), ())


def _new_samples(
    sentences: list[str], answers: Sequence[str | None], names: list[str], features: PairFeatures,
    refused: Sequence[Refusal],
) -> PairSamples:  # fmt: skip
    empty = sum(not text.strip() for text in sentences)
    notes = [f"{empty} sentences are empty: their translation rests on nothing"] if empty else []
    tokenizer = tokenizer_from_json(features.tokenizer)
    return PairSamples(sentences, answers, names, tokenizer, features.context, refused, notes)


def _cut_note(full_lengths_N: Ints, context: int) -> list[str]:
    cut, count = int((full_lengths_N[:, 0] > context).sum()), len(full_lengths_N)
    return [f"{cut:,} of {count:,} sentences are longer than {context} tokens: the rest is not read"] if cut else []


def as_compared(text: str) -> str:
    """Return a text as it is compared with another: composed Unicode, on one line, without blanks around it."""
    return " ".join(normalised(text).split())
