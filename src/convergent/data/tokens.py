"""Tokenisers: text to token ids and back, the same at training and at prediction.

What they know was seen in the training split alone, and is stored as JSON. Unicode is brought to its composed form
first (NFC), so that a letter and its accent are the same letter however they were typed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from convergent.types import UserError

if TYPE_CHECKING:
    import tokenizers

SPECIAL = ("<pad>", "<unk>", "<end>", "<mask>")
PAD, UNKNOWN, END, MASK = range(len(SPECIAL))
WORDS = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
DIGIT = re.compile(r"\d")
MOST_CHARACTERS = 20_000


class Tokenizer(Protocol):
    """Text to ids and back; ids 0 to 3 are padding, unknown, end of text and mask whatever the kind."""

    kind: str

    @property
    def size(self) -> int:
        """How many ids there are."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no end of text is added."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; padding, end and mask are left out, unknown tokens are shown as the mark U+FFFD."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        ...


def normalised(text: str) -> str:
    r"""Return the text in composed Unicode with plain line ends; half a surrogate pair becomes a question mark.

    >>> normalised("cafe\u0301\r\n") == "caf\u00e9\n"
    True
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.encode("utf-8", "replace").decode("utf-8")


class _Listed:
    """A tokeniser whose tokens are a list: what character and word tokenisers share."""

    kind = ""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self._ids = {token: place for place, token in enumerate(self.tokens, start=len(SPECIAL))}

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(SPECIAL) + len(self.tokens)

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        return {"kind": self.kind, "tokens": list(self.tokens)}

    def _texts(self, ids: Sequence[int]) -> list[str]:
        known = (int(place) for place in ids)
        return [_text_of(place, self.tokens) for place in known if place not in (PAD, END, MASK)]


def _text_of(place: int, tokens: Sequence[str]) -> str:
    known = len(SPECIAL) <= place < len(SPECIAL) + len(tokens)
    return tokens[place - len(SPECIAL)] if known else "\N{REPLACEMENT CHARACTER}"


class CharacterTokenizer(_Listed):
    """One token a character.

    >>> tokenizer = train_character(["abba"])
    >>> tokenizer.encode("bax"), tokenizer.decode(tokenizer.encode("bax"))
    ([5, 4, 1], 'ba\ufffd')
    """

    kind = "character"

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no end of text is added."""
        find = self._ids.get
        return [find(character, UNKNOWN) for character in normalised(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return "".join(self._texts(ids))


class WordTokenizer(_Listed):
    """One token a word or mark, in lower case; an unknown number is looked up by its number of digits.

    >>> tokenizer = train_words(["Call 0870 now!", "call 0871 now!"], 100)
    >>> tokenizer.decode(tokenizer.encode("CALL 1234 later!"))
    'call 0000 \ufffd !'
    """

    kind = "word"

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no end of text is added."""
        find = self._ids.get
        words = WORDS.findall(normalised(text).lower())
        return [place if (place := find(word)) is not None else find(shape(word), UNKNOWN) for word in words]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words with spaces between them: what stood between them is not kept."""
        return " ".join(self._texts(ids))


class BytesTokenizer:
    """One token a byte of UTF-8: nothing is unknown, and nothing has to be learned.

    >>> bytes_tokenizer().decode(bytes_tokenizer().encode("na\u00efve"))
    'na\u00efve'
    """

    kind = "bytes"
    size = len(SPECIAL) + 256

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no end of text is added."""
        return [byte + len(SPECIAL) for byte in normalised(text).encode()]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 are shown as U+FFFD."""
        return bytes(int(place) - len(SPECIAL) for place in ids if int(place) >= len(SPECIAL)).decode(errors="replace")

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        return {"kind": self.kind}


class BpeTokenizer:
    """Byte-level byte-pair encoding by the `tokenizers` library: frequent pairs of tokens are one token.

    Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; on bytes: Radford et al. 2019 (GPT-2).

    >>> tokenizer = train_bpe(["low lower lowest"] * 9, 280)
    >>> tokenizer.decode(tokenizer.encode("slow  lowest")), len(tokenizer.encode("low"))
    ('slow  lowest', 1)
    """

    kind = "bpe"

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        self._inner = inner

    @property
    def size(self) -> int:
        """How many ids there are."""
        return int(self._inner.get_vocab_size())

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no end of text is added."""
        return list(self._inner.encode(normalised(text), add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return str(self._inner.decode([int(place) for place in ids], skip_special_tokens=True))

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        return {"kind": self.kind, "tokenizers": json.loads(self._inner.to_str())}


class PretrainedTokenizer:
    """The tokeniser of a pretrained network, used as it is: its own normalisation, tokens and marks around a text.

    Its ids are moved up behind the four that mean the same whatever the kind; its unknown token and its mask take
    theirs. `table` has the network's id of each of ours.

    inner  of the `tokenizers` library
    marks  the network's ids of `padding`, `unknown` and `mask`; None where it has no such token
    """

    kind = "pretrained"

    def __init__(self, inner: tokenizers.Tokenizer, marks: dict[str, int | None]) -> None:
        inner.no_truncation()
        inner.no_padding()
        self._inner, self._marks = inner, marks
        self._ours = {marks[name]: ours for name, ours in (("unknown", UNKNOWN), ("mask", MASK))}
        flags = inner.encode("a").special_tokens_mask
        self._num_closing = next((place for place, flag in enumerate(reversed(flags)) if not flag), 0)

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(SPECIAL) + self.num_ids

    @property
    def num_ids(self) -> int:
        """How many the network must know."""
        return 1 + max(self._inner.get_vocab(with_added_tokens=True).values(), default=-1)

    @property
    def table(self) -> list[int]:
        """The network's id of each of ours; where it has no such token, that of padding."""
        padding = self._marks["padding"] or 0
        special = [padding, self._marks["unknown"], None, self._marks["mask"]]
        return [padding if place is None else place for place in special] + list(range(self.num_ids))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, with the marks that the network expects around it."""
        ids = self._inner.encode(text.encode("utf-8", "replace").decode("utf-8")).ids
        return [self._ours.get(place, place + len(SPECIAL)) for place in ids]

    def cut(self, ids: list[int], context: int) -> list[int]:
        """Return the beginning of a text that is too long, with the marks that close it."""
        if len(ids) <= context or context <= self._num_closing:
            return ids[:context]
        return ids[: context - self._num_closing] + ids[len(ids) - self._num_closing :]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without marks."""
        table = self.table
        return str(self._inner.decode([table[int(place)] for place in ids], skip_special_tokens=True))

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        return {"kind": self.kind, "tokenizers": json.loads(self._inner.to_str()), "marks": self._marks}


class TranslatorTokenizer:
    """The tokeniser of a pretrained encoder-decoder network, without the marks around a text.

    The ids of its padding, unknown token, end and mask change places with 0 to 3, so that these mean the same whatever
    the kind; `table` has the network's id of each of ours.

    marks  the network's ids of `padding`, `unknown`, `mask` and `end`; None where it has no such token
    rows   ids that the network knows
    """

    kind = "pretrained"

    def __init__(self, inner: tokenizers.Tokenizer, marks: dict[str, int | None], rows: int) -> None:
        inner.no_truncation()
        inner.no_padding()
        self._inner, self._marks, self.size = inner, marks, rows
        self.table = list(range(rows))
        for ours, name in ((PAD, "padding"), (UNKNOWN, "unknown"), (END, "end"), (MASK, "mask")):
            theirs = marks[name]
            if theirs is not None:
                other = self.table.index(theirs)
                self.table[ours], self.table[other] = self.table[other], self.table[ours]
        self._ours = {theirs: ours for ours, theirs in enumerate(self.table)}
        whole = inner.encode("a")
        opening = next((place for place, flag in enumerate(whole.special_tokens_mask) if not flag), 0)
        self.opening = [self._ours[place] for place in whole.ids[:opening]]
        """What stands in front of a sentence that is read."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; no marks are added."""
        ids = self._inner.encode(text.encode("utf-8", "replace").decode("utf-8"), add_special_tokens=False).ids
        return [ours for place in ids if (ours := self._ours[place]) not in (PAD, END)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without marks."""
        return str(self._inner.decode([self.table[int(place)] for place in ids], skip_special_tokens=True))

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` takes."""
        inner = json.loads(self._inner.to_str())
        return {"kind": self.kind, "tokenizers": inner, "marks": self._marks, "rows": self.size}


def first_tokens(tokenizer: Tokenizer, ids: list[int], context: int) -> list[int]:
    """Return the ids that are read of a text: the first `context`, or fewer for the marks that must close it."""
    return tokenizer.cut(ids, context) if isinstance(tokenizer, PretrainedTokenizer) else ids[:context]


def shape(word: str) -> str:
    """Return the word with every digit as 0.

    >>> shape("£1000")
    '£0000'
    """
    return DIGIT.sub("0", word)


def train_character(texts: Iterable[str]) -> CharacterTokenizer:
    """Return the tokeniser of all characters in `texts`, the most frequent ones where they are very many."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(normalised(text))
    return CharacterTokenizer(sorted(_most_frequent(counts, MOST_CHARACTERS)))


def train_words(texts: Iterable[str], size: int) -> WordTokenizer:
    """Return the tokeniser of the at most `size` most frequent words that occur twice or more.

    A word that was seen once says nothing that could be learned, and stands for all that will be unknown.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(WORDS.findall(normalised(text).lower()))
    for word, count in list(counts.items()):
        if count < 2 and shape(word) != word:
            counts[shape(word)] += count
    frequent = Counter({word: count for word, count in counts.items() if count > 1})
    return WordTokenizer(_most_frequent(frequent, size - len(SPECIAL)))


def train_bpe(texts: Iterable[str], size: int) -> BpeTokenizer:
    """Return the byte-pair encoding of `size` tokens (fewer where the texts hold fewer pairs)."""
    import tokenizers
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    alphabet = sorted(ByteLevel.alphabet())
    trainer = BpeTrainer(
        vocab_size=max(size, len(SPECIAL) + len(alphabet)),
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    inner.train_from_iterator((normalised(text) for text in texts), trainer)
    return BpeTokenizer(inner)


def bytes_tokenizer() -> BytesTokenizer:
    """Return the tokeniser of bytes."""
    return BytesTokenizer()


def train_tokenizer(kind: str, texts: Iterable[str], size: int) -> Tokenizer:
    """Return the tokeniser of that kind, fitted on the training split's `texts`."""
    match kind:
        case "character":
            return train_character(texts)
        case "word":
            return train_words(texts, size)
        case "bpe":
            return train_bpe(texts, size)
    return bytes_tokenizer()


def tokenizer_from_json(stored: dict[str, Any]) -> Tokenizer:
    """Return the tokeniser that `to_json` described; raises UserError where it is none."""
    import tokenizers

    try:
        match stored["kind"]:
            case "character":
                return CharacterTokenizer(stored["tokens"])
            case "word":
                return WordTokenizer(stored["tokens"])
            case "bytes":
                return bytes_tokenizer()
            case "bpe":
                return BpeTokenizer(tokenizers.Tokenizer.from_str(json.dumps(stored["tokenizers"])))
            case "pretrained":
                inner = tokenizers.Tokenizer.from_str(json.dumps(stored["tokenizers"]))
                if "rows" in stored:
                    return TranslatorTokenizer(inner, stored["marks"], stored["rows"])
                return PretrainedTokenizer(inner, stored["marks"])
    except Exception as error:  # `tokenizers` raises bare Exception
        raise UserError(f"the tokenizer is damaged ({str(error)[:120]}).") from None
    raise UserError(f"the tokenizer is of an unknown kind `{stored['kind']}`.")


def _most_frequent(counts: Counter[str], most: int) -> list[str]:
    """Return the `most` most frequent, the first by name of equals: so the order never depends on that of the texts."""
    return sorted(counts, key=lambda token: (-counts[token], token))[: max(1, most)]
