"""Texts as one stream of token ids on disk, memory-mapped, cached by the content of the files.

The tokeniser is fitted on the training part alone. A sample is a window of `context` tokens; an epoch lays the grid of
windows anew, shifted by a draw of (seed, epoch), so that no token has always the same tokens before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict

from convergent.data.bad import enforce_limit
from convergent.data.cache import cached_array, digest, remembered, stamp
from convergent.data.order import derived_seed
from convergent.data.text_files import read_text
from convergent.data.tokens import END, MASK, SPECIAL, Tokenizer, tokenizer_from_json, train_tokenizer
from convergent.types import Batch, Refusal, UserError

Unsigned = npt.NDArray[np.uint64]
VERSION = "1"
PIECE = 1 << 20  # characters that are encoded at a time
TOKENIZER_TEXT = 100_000_000  # characters on which a tokeniser is fitted at most
CHARACTERS_BELOW = 20_000_000  # longer training texts are read in byte pairs
MOST_CHARACTERS = 500  # and texts of more distinct characters
MOST_JUDGED = 1 << 20  # tokens of a held-out part that are judged at most
VALID_SHARE = 0.1
IGNORED = -100
MASKED_SHARE, MASK_KEPT, MASK_RANDOM = 0.15, 0.1, 0.1


class TextFeatures(BaseModel):
    """What was read and fitted: it travels with the model.

    unigram     how often each token occurs in the training part
    lengths     characters that each token stands for
    characters  of each part
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokenizer: dict[str, Any]
    context: int
    masked: bool
    unigram: list[int]
    lengths: list[int]
    tokens: dict[str, int]
    characters: dict[str, int]
    unknown: dict[str, int]


@dataclass(frozen=True)
class Stream:
    """The token ids of each part, and what is known of them."""

    parts: dict[str, np.ndarray]
    tokenizer: Tokenizer
    record: dict[str, Any]


@dataclass(frozen=True)
class TokenWindows:
    """Windows of a stream as samples: next tokens as targets, or the tokens that were masked.

    The validation part is never shifted, and always masked at the same places.
    """

    stream: np.ndarray
    context: int
    num_tokens: int
    masked: bool = False
    shift: int = 0
    mask_key: int = 0
    every: int = 1
    whole: bool = False
    """The last window is moved back to the end of the stream, and what was judged before is ignored there."""
    refused: Sequence[Refusal] = ()
    notes: Sequence[str] = ()
    decoded: bool = True

    def __len__(self) -> int:
        reach = len(self.stream) - (not self.masked)
        count = -(-reach // self.context) if self.whole else (reach - self.context + 1) // self.context
        return max(1, -(-count // self.every))

    def name(self, index: int) -> str:
        """Return the places of the window's first and last token."""
        first = index * self.every * self.context + self.shift
        return f"tokens {first:,} to {min(first + self.context, len(self.stream)) - 1:,}"

    def of_epoch(self, seed: int, epoch: int) -> TokenWindows:
        """Return the windows as an epoch of the training sees them."""
        shift = derived_seed(seed, "shift", epoch) % self.context
        return replace(self, shift=shift, mask_key=derived_seed(seed, "mask", epoch))

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the windows at `indices`: tokens (B, T) and targets (B, T), int64."""
        reach = len(self.stream) - (not self.masked)
        wanted_B = indices * (self.every * self.context) + self.shift
        first_B = np.maximum(0, np.minimum(wanted_B, reach - self.context))
        places_BT = first_B[:, None] + np.arange(min(self.context, reach))
        tokens_BT = self.stream[places_BT].astype(np.int64)
        if self.masked:
            tokens_BT, targets_BT = masked_tokens(tokens_BT, indices, self.mask_key, self.num_tokens)
        else:
            targets_BT = self.stream[places_BT + 1].astype(np.int64)
        targets_BT[places_BT < wanted_B[:, None]] = IGNORED
        return Batch((torch.from_numpy(tokens_BT),), torch.from_numpy(targets_BT))


def hashed_uniform(key: int, indices_B: np.ndarray, length: int) -> np.ndarray:
    """Return numbers (B, T) in [0, 1) that depend on key, sample and place alone (splitmix64, Steele et al. 2014).

    >>> bool(hashed_uniform(1, np.array([5]), 3)[0, 1] == hashed_uniform(1, np.array([4, 5]), 3)[1, 1])
    True
    """
    places = indices_B.astype(np.uint64)[:, None] * np.uint64(length) + np.arange(length, dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = _mixed(np.asarray(places + np.uint64(key), np.uint64), 0, 0x9E3779B97F4A7C15)
        x = _mixed(_mixed(x, 30, 0xBF58476D1CE4E5B9), 27, 0x94D049BB133111EB)
    return (_mixed(x, 31, 1) >> np.uint64(11)) / float(1 << 53)


def _mixed(x: Unsigned, shift: int, factor: int) -> Unsigned:
    folded = x ^ (x >> np.uint64(shift)) if shift else x
    return np.asarray(folded * np.uint64(factor), np.uint64)


def masked_tokens(
    tokens_BT: np.ndarray, indices_B: np.ndarray, key: int, num_tokens: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (tokens with 15 % of them chosen, targets that hold the chosen ones and -100 elsewhere).

    Of the chosen 80 % become the mask, 10 % another token, and 10 % stay (Devlin et al. 2019, 3.1).
    """
    length = tokens_BT.shape[1]
    rank_BT = hashed_uniform(key, indices_B, length).argsort(1, kind="stable").argsort(1, kind="stable")
    count = max(1, round(MASKED_SHARE * length))
    fate_BT = hashed_uniform(key ^ 1, indices_B, length)
    other_BT = len(SPECIAL) + (hashed_uniform(key ^ 2, indices_B, length) * (num_tokens - len(SPECIAL))).astype(int)
    chosen_BT = rank_BT < count
    hidden_BT = np.where(
        fate_BT < 1 - MASK_KEPT - MASK_RANDOM, MASK, np.where(fate_BT < 1 - MASK_KEPT, other_BT, tokens_BT)
    )
    return np.where(chosen_BT, hidden_BT, tokens_BT), np.where(chosen_BT, tokens_BT, IGNORED)


def read_parts(files: dict[str, Sequence[Path]], max_bad: float) -> tuple[dict[str, str], tuple[Refusal, ...]]:
    """Return the text of each part, files end to end with a mark between them, and what was refused."""
    texts: dict[str, list[str]] = {}
    refused = []
    for part, paths in files.items():
        texts[part] = []
        for path in paths:
            try:
                texts[part].append(read_text(path))
            except ValueError as error:
                refused.append(Refusal(where=str(path), reason=str(error)))
    kept = enforce_limit(refused, sum(len(paths) for paths in files.values()), max_bad)
    return {part: BETWEEN.join(some) for part, some in texts.items() if some}, kept


BETWEEN = "\0"  # stands between two files; no text that is read holds it


def cut(texts: dict[str, str], valid: float | None, test: float | None) -> dict[str, str]:
    """Return train, valid and, where asked for, test: the end of the training text where the files say nothing.

    >>> cut({"all": "x" * 90 + "y" * 10}, None, None)["valid"]
    'yyyyyyyyyy'
    """
    parts = dict(texts)
    text = parts.pop("all", "") or parts.pop("train")
    held_test = 0 if "test" in parts else round((test or 0.0) * len(text))
    held_valid = 0 if "valid" in parts else round((VALID_SHARE if valid is None else valid) * len(text))
    end = len(text) - held_test
    made = {"train": text[: end - held_valid], "valid": text[end - held_valid : end], "test": text[end:]}
    return {name: parts.get(name) or made[name] for name in ("train", "valid", "test") if parts.get(name) or made[name]}


def pieces(text: str) -> Iterator[str]:
    """Yield the text in pieces that end with a line, or where they are a million characters long."""
    start = 0
    while start < len(text):
        stop = min(start + PIECE, len(text))
        if stop < len(text):
            stop = text.rfind("\n", start, stop) + 1 or stop
        yield text[start:stop]
        start = stop


def encoded(tokenizer: Tokenizer, text: str) -> np.ndarray:
    """Return the ids of a text, with an end token between files."""
    kind = np.uint16 if tokenizer.size <= 1 << 16 else np.uint32
    ids: list[np.ndarray] = []
    for number, document in enumerate(text.split(BETWEEN)):
        ids += [np.array([END], kind)] if number else []
        ids += [np.array(tokenizer.encode(piece), kind) for piece in pieces(document)]
    return np.concatenate(ids) if ids else np.empty(0, kind)


def choose_tokenizer(text: str) -> str:
    """Return the kind of tokeniser for a training text: characters while they are few and the text is short.

    >>> choose_tokenizer("to be, or not to be")
    'character'
    """
    few = len(set(text[: 10 * PIECE])) <= MOST_CHARACTERS
    return "character" if few and len(text) <= CHARACTERS_BELOW else "bpe"


def choose_vocabulary(num_characters: int) -> int:
    """Return the number of byte pairs that a text of so many characters can teach.

    >>> choose_vocabulary(1_000_000), choose_vocabulary(10**9)
    (1024, 32768)
    """
    return int(min(32_768, max(512, 2 ** round(np.log2(max(1, num_characters / 1_000))))))


def open_stream(
    files: dict[str, Sequence[Path]], kind: str | None, vocabulary: int | None, held: tuple[float | None, float | None],
    max_bad: float, gigabytes: float,
) -> Stream:  # fmt: skip
    """Return the stream of these files, from the cache where their content has been read before.

    `held` are the shares for validation and test where the files say nothing.
    """
    paths = [path for some in files.values() for path in some]
    texts: dict[str, Any] = {}

    def parts() -> dict[str, str]:
        if not texts:
            texts["parts"], texts["refused"] = read_parts(files, max_bad)
            texts["parts"] = cut(texts["parts"], *held)
        found: dict[str, str] = texts["parts"]
        return found

    layout = str({part: len(some) for part, some in files.items()})
    content = remembered(
        f"text-{digest(VERSION, stamp(paths), layout)}",
        lambda: {"digest": digest(layout, *(path.read_bytes() for path in paths))},
    )["digest"]
    key = digest(VERSION, content, str(kind), str(vocabulary), str(held), str(max_bad))
    record = remembered(f"tokens-{key}", lambda: _fitted(parts(), texts.get("refused", ()), kind, vocabulary))
    tokenizer = tokenizer_from_json(record["tokenizer"])
    kind_of_id = np.dtype(record["dtype"])

    def fill(array: np.ndarray) -> dict[str, Any]:
        ids = np.concatenate([encoded(tokenizer, text) for text in parts().values()])
        array[:] = ids.view(np.uint8)
        return {}

    size = sum(record["tokens"].values()) * kind_of_id.itemsize
    cached = cached_array(f"tokens-{key}", (size,), gigabytes, fill)
    if cached is None:
        raw = np.empty(size, np.uint8)
        fill(raw)
    else:
        raw = cached[0]
    ids = raw.view(kind_of_id)
    ends = np.cumsum(list(record["tokens"].values()))
    starts = [0, *ends[:-1]]
    return Stream(
        {part: ids[a:b] for part, a, b in zip(record["tokens"], starts, ends, strict=True)},
        tokenizer,
        {**record, "fingerprint": content},
    )


def _fitted(
    parts: dict[str, str], refused: Sequence[Refusal], kind: str | None, vocabulary: int | None
) -> dict[str, Any]:
    train = parts["train"]
    text = train[:TOKENIZER_TEXT].replace(BETWEEN, "\n")
    kind = kind or choose_tokenizer(train)
    tokenizer = train_tokenizer(kind, pieces(text), vocabulary or choose_vocabulary(len(train)))
    ids = {part: encoded(tokenizer, text) for part, text in parts.items()}
    return {
        "tokenizer": tokenizer.to_json(),
        "dtype": str(ids["train"].dtype),
        "tokens": {part: len(some) for part, some in ids.items()},
        "characters": {part: len(text) for part, text in parts.items()},
        "unknown": {part: int((some == 1).sum()) for part, some in ids.items()},
        "unigram": np.bincount(ids["train"], minlength=tokenizer.size).tolist(),
        "lengths": token_characters(tokenizer).tolist(),
        "refused": [one.model_dump() for one in refused],
    }


def read_stream(
    files: dict[str, Sequence[Path]], tokenizer: Tokenizer, max_bad: float
) -> tuple[np.ndarray, tuple[Refusal, ...]]:
    """Return the ids of all these files, and what was refused; raises UserError where nothing is left."""
    texts, refused = read_parts(files, max_bad)
    return encoded(tokenizer, BETWEEN.join(texts.values())), refused


def judged_windows(
    stream: np.ndarray, context: int, num_tokens: int, masked: bool, refused: Sequence[Refusal] = ()
) -> TokenWindows:
    """Return the windows of a held-out part: all of it, or of a long one evenly spread windows of a million tokens."""
    every = max(1, -(-len(stream) // MOST_JUDGED))
    notes = [f"one window in {every} is judged: there are {len(stream):,} tokens"] if every > 1 else []
    return TokenWindows(
        stream, context, num_tokens, masked, every=every, whole=True, refused=tuple(refused), notes=notes
    )


def token_characters(tokenizer: Tokenizer) -> np.ndarray:
    """Return how many characters each token stands for (V,): a byte that goes on with a character counts nothing."""
    stored = tokenizer.to_json()
    if stored["kind"] == "bytes":
        lengths = [0] * len(SPECIAL) + [int(not 0x80 <= byte < 0xC0) for byte in range(256)]
        return np.array(lengths)
    if stored["kind"] == "bpe":
        goes_on = {chr(_byte_mark(byte)) for byte in range(0x80, 0xC0)}
        names = {place: name for name, place in stored["tokenizers"]["model"]["vocab"].items()}
        return np.array(
            [
                0 if place < len(SPECIAL) else sum(mark not in goes_on for mark in names.get(place, ""))
                for place in range(tokenizer.size)
            ]
        )
    return np.array([0] * len(SPECIAL) + [len(token) for token in stored["tokens"]])


def _byte_mark(byte: int) -> int:
    """Return the character by which byte-level BPE (Radford et al. 2019) writes a byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return byte if byte in shown else 256 + [other for other in range(256) if other not in shown].index(byte)


def check_length(stream: Stream, context: int) -> None:
    """Raise UserError where the training part does not hold two windows."""
    for part, ids in stream.parts.items():
        if len(ids) < (2 * context + 1 if part == "train" else 2):
            raise UserError(
                f"the {part} part holds {len(ids):,} tokens: too few for windows of {context}. Give more text"
                f"{' or a smaller --context' if part == 'train' else ''}."
            )
