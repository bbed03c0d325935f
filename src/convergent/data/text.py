"""Texts as tokens: tables and class folders are read, rows split, a tokeniser fitted on train, texts encoded.

A text becomes one row of ids (int64), as long as the longest of its batch; behind the text stands padding (id 0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict

from convergent.config import Config
from convergent.data.bad import enforce_limit
from convergent.data.source import Source
from convergent.data.table_parts import Table, forget, read_tables, refuse_targets, split_rows, training_classes
from convergent.data.targets import check_target, class_ids
from convergent.data.text_sources import read_text_files, text_rows, understand_texts
from convergent.data.tokens import PAD, UNKNOWN, Tokenizer, first_tokens, tokenizer_from_json, train_tokenizer
from convergent.types import Batch, DataSpec, Refusal, Splits, UserError

Ints = npt.NDArray[np.int64]
CONTEXT = 512
VOCABULARY = 20_000
BINS = 10
CHARACTERS_A_TOKEN = 64  # of a text no more is encoded than `context` tokens of this length, however long it is
LONG_WORD = 15  # characters: where words are longer on average, blanks do not part them


class TextFeatures(BaseModel):
    """How texts become tokens: `DataSpec.features` of the text tasks.

    column     the column of the texts; "text" where each lies in a file of its own
    tokenizer  as `tokenizer_from_json` takes it
    context    tokens of a text that are read
    lengths    tokens of the training texts: shortest, quartiles, longest, before they were cut
    histogram  how many training texts have at most so many tokens, and more than the number before
    unknown    share of the validation texts' tokens that the tokeniser does not know
    cut        texts of each split that are longer than `context`
    start      the pretrained network that reads them, without its weights; None where one is trained from scratch
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    tokenizer: dict[str, Any]
    context: int
    lengths: tuple[int, ...]
    histogram: dict[int, int]
    unknown: float
    cut: dict[str, int]
    start: dict[str, Any] | None = None


class Given(NamedTuple):
    """What a pretrained network says of how it is to be fed.

    most   tokens that it can be given; None where there is no limit
    start  as it stands in `TextFeatures`
    """

    tokenizer: Tokenizer
    most: int | None
    start: dict[str, Any]


class TextSamples:
    """Texts in memory, encoded: a batch is a look-up.

    lengths  tokens of each text, at least one
    refused  rows that could not be read
    notes    what a person should know of how the texts were read
    """

    decoded = True

    def __init__(
        self, texts: Sequence[str], names: Sequence[str], targets_N: Ints, tokenizer: Tokenizer, context: int,
        refused: Sequence[Refusal] = (), notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        encoded = [encode(text, tokenizer, context) for text in texts]
        self.full_lengths = np.array([length for _, length in encoded], dtype=np.int64)
        self.lengths = np.array([len(ids) for ids, _ in encoded], dtype=np.int64)
        self.ends = self.lengths.cumsum()
        self.tokens = np.concatenate([ids for ids, _ in encoded])
        self.targets_N = torch.tensor(targets_N, dtype=torch.int64)
        self.refused, self.notes = refused, [*notes, *_cut_note(self.full_lengths, context)]
        self._texts, self._names = texts, names

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the texts at `indices`: inputs (tokens_BT,), padded to the longest of them; targets class ids (B)."""
        at = np.asarray(indices, dtype=np.int64)
        lengths_B = self.lengths[at]
        place_T = np.arange(int(lengths_B.max()))
        places_BT = np.minimum((self.ends[at] - lengths_B)[:, None] + place_T, len(self.tokens) - 1)
        tokens_BT = np.where(place_T < lengths_B[:, None], self.tokens[places_BT], PAD).astype(np.int64)
        return Batch((torch.from_numpy(tokens_BT),), self.targets_N[torch.from_numpy(at)])

    def name(self, index: int) -> str:
        """Return "row 17" or the file's path."""
        return str(self._names[index])

    def text(self, index: int) -> str:
        """Return the text as it was read."""
        return self._texts[index]


def encode(text: str, tokenizer: Tokenizer, context: int) -> tuple[npt.NDArray[np.int32], int]:
    """Return (the first `context` ids of a text, how many there are); a text without tokens is one unknown token.

    Of a text of millions of characters only the beginning is looked at, so its length is then a lower bound.
    """
    ids = tokenizer.encode(text[: (context + 1) * CHARACTERS_A_TOKEN])
    return np.array(first_tokens(tokenizer, ids, context) or [UNKNOWN], dtype=np.int32), len(ids)


def load_texts(source: Source, config: Config, task: str, given: Given | None = None) -> Splits:
    """Return the splits of texts with classes; of a pretrained network by what it is `given` with.

    Raises UserError where no column holds texts, the classes cannot be learned, or too many rows are unusable.
    """
    known, column = understand_texts(source, config)
    names = training_classes(known)
    known, refused = refuse_targets(known, names, config.max_bad)
    for part in ("all", "train"):
        if part in known.parts:
            check_target(known.parts[part].frame[known.target], known.parts[part].rows, config, classes=True)
    fingerprint = fingerprint_of(known.parts, column, known.target, given.start["sha256"] if given else "")
    tables, how = split_rows(known, config, together=column)
    forget()
    texts = {name: text_rows(table.frame[column]) for name, table in tables.items()}
    tokenizer = given.tokenizer if given else make_tokenizer(texts["train"], config)
    context = config.context or min(CONTEXT, given.most or CONTEXT if given else CONTEXT)
    samples = {
        name: TextSamples(
            texts[name], table.names.to_list(), class_ids(table.frame[known.target], names), tokenizer, context
        )
        for name, table in tables.items()
    }
    counts = {name: part.targets_N.bincount(minlength=len(names)).tolist() for name, part in samples.items()}
    spec = DataSpec(
        task=task,
        source=source.address,
        modality="texts",
        fingerprint=fingerprint,
        sizes={name: len(part) for name, part in samples.items()},
        split=how,
        target=known.target,
        classes=names,
        class_counts=counts,
        features=describe_texts(samples, column, tokenizer, context, given.start if given else None).model_dump(
            mode="json"
        ),
        refused=refused,
    )
    return Splits(spec, samples["train"], samples["valid"], samples.get("test"))


def fingerprint_of(parts: dict[str, Table], column: str, target: str, start: str) -> str:
    """Return the SHA-256 of all texts, what belongs to them, and names, in order, and of the network at the start."""
    digest = hashlib.sha256(start.encode())
    for name, table in parts.items():
        digest.update(name.encode())
        for values in (table.frame[column], table.frame[target], table.names):
            hashes = (hashlib.sha256(str(value).encode("utf-8", "replace")).digest() for value in values.to_list())
            digest.update(b"".join(hashes))
    return digest.hexdigest()


def make_tokenizer(texts: Sequence[str], config: Config) -> Tokenizer:
    """Return the tokeniser fitted on the training texts: of the kind asked for, or words where blanks part them."""
    kind = config.tokenizer or ("word" if _has_words(texts) else "character")
    read = (text[: (config.context or CONTEXT) * CHARACTERS_A_TOKEN] for text in texts)
    return train_tokenizer(kind, read, config.vocabulary_size or VOCABULARY)


def _has_words(texts: Sequence[str]) -> bool:
    some = [text[:1000] for text in texts[:1000]]
    return sum(map(len, some)) <= LONG_WORD * max(1, sum(len(text.split()) for text in some))


def describe_texts(
    samples: dict[str, TextSamples], column: str, tokenizer: Tokenizer, context: int, start: dict[str, Any] | None
) -> TextFeatures:
    """Return what is known of the texts from the training split, with what was cut in each split."""
    return TextFeatures(
        column=column,
        tokenizer=tokenizer.to_json(),
        context=context,
        lengths=tuple(int(value) for value in np.quantile(samples["train"].full_lengths, (0, 0.25, 0.5, 0.75, 1))),
        histogram=histogram(samples["train"].full_lengths),
        unknown=float((samples["valid"].tokens == UNKNOWN).mean()),
        cut={name: int((part.full_lengths > context).sum()) for name, part in samples.items()},
        start=start,
    )


def histogram(lengths_N: Ints) -> dict[int, int]:
    """Return the number of texts in bins of equal width, by the largest length in each; the last takes the longest 1 %.

    >>> histogram(np.array([1, 2, 2, 30]))
    {3: 3, 6: 0, 9: 0, 12: 0, 15: 0, 18: 0, 21: 0, 24: 0, 27: 0, 30: 1}
    """
    width = max(1, -(-int(np.quantile(lengths_N, 0.99)) // BINS))
    bin_N = np.clip((lengths_N - 1) // width, 0, BINS - 1)
    counts = np.bincount(bin_N, minlength=int(bin_N.max()) + 1)
    return {(place + 1) * width: int(count) for place, count in enumerate(counts)}


def read_texts(source: Source, spec: DataSpec, config: Config) -> TextSamples:
    """Return new texts, encoded by the tokeniser of `spec`; every readable one is kept, in order.

    The class is -1 where there is none or the model does not know it.
    Raises UserError where the column of the texts is missing, or too many rows cannot be read.
    """
    features = TextFeatures.model_validate(spec.features)
    if source.kind == "table":
        table = read_tables(tuple(path for part in source.parts.values() for path in part), len(source.parts) > 1)
    elif source.kind in ("text", "text_folders"):
        table = read_text_files(source, spec.target)
        table = Table(table.frame.rename({"text": features.column}), table.rows, table.names, table.refused)
    else:
        raise UserError(f"{source.address}: the model learned from texts; give a table, .txt files or a text.")
    enforce_limit(table.refused, len(table.rows) + len(table.refused), config.max_bad)
    if features.column not in table.frame.columns:
        known = ", ".join(table.frame.columns[:10])
        raise UserError(f"{source.address}: lacks the column `{features.column}` of the texts. It has: {known}.")
    texts = text_rows(table.frame[features.column])
    targets = np.full(len(texts), -1, dtype=np.int64)
    if spec.target in table.frame.columns:
        targets = class_ids(table.frame[spec.target], spec.classes or [])
    return _new_samples(texts, table.names.to_list(), targets, features, table.refused)


def samples_of_text(text: str, spec: DataSpec, config: Config) -> TextSamples:
    """Return one text that was given directly as samples."""
    return _new_samples([text], [text], np.array([-1]), TextFeatures.model_validate(spec.features), ())


def _new_samples(
    texts: list[str], names: list[str], targets: Ints, features: TextFeatures, refused: Sequence[Refusal]
) -> TextSamples:
    tokenizer = tokenizer_from_json(features.tokenizer)
    empty = sum(not text.strip() for text in texts)
    notes = [f"{empty} texts are empty: their answer rests on nothing"] if empty else []
    return TextSamples(texts, names, targets, tokenizer, features.context, refused, notes)


def _cut_note(full_lengths_N: Ints, context: int) -> list[str]:
    cut, count = int((full_lengths_N > context).sum()), len(full_lengths_N)
    return [f"{cut:,} of {count:,} texts are longer than {context} tokens: the rest is not read"] if cut else []
