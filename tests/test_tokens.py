"""Tokenisers: the same ids at training and prediction, whatever the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convergent.data import tokens
from convergent.data.tokens import PAD, SPECIAL, UNKNOWN, tokenizer_from_json, train_tokenizer
from convergent.models import sequence
from convergent.types import UserError

TEXTS = [
    "The film was good.",
    "the film was bad",
    "Call 0870 123 now!",
    "caf\u00e9 caf\u00e9",
    "na\u00efve \u4f60\u597d",
]
KINDS = ("character", "word", "bpe", "bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_encodes_alike(kind: str) -> None:
    tokenizer = train_tokenizer(kind, TEXTS, 300)
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    for text in [*TEXTS, "", "something else \U0001f600"]:
        ids = tokenizer.encode(text)
        assert ids == again.encode(text)
        assert all(PAD < one < tokenizer.size for one in ids)


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_deterministic(kind: str) -> None:
    assert train_tokenizer(kind, TEXTS, 300).to_json() == train_tokenizer(kind, list(TEXTS), 300).to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_composed_and_decomposed_letters_are_the_same(kind: str) -> None:
    tokenizer = train_tokenizer(kind, TEXTS, 300)
    assert tokenizer.encode("cafe\u0301") == tokenizer.encode("caf\u00e9")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_bytes_and_pairs_lose_nothing(text: str) -> None:
    for tokenizer in (tokens.bytes_tokenizer(), PAIRS):
        assert tokenizer.decode(tokenizer.encode(text)) == tokens.normalised(text)


PAIRS = tokens.train_bpe(TEXTS, 300)


def test_special_tokens_are_the_first_of_every_kind() -> None:
    for kind in KINDS:
        tokenizer = train_tokenizer(kind, TEXTS, 300)
        assert tokenizer.decode(range(len(SPECIAL))) in ("", "\ufffd")


def test_half_a_surrogate_pair_is_no_stumbling_block() -> None:
    assert tokens.bytes_tokenizer().decode(tokens.bytes_tokenizer().encode("a\ud800b")) == "a?b"


def test_models_and_tokenisers_number_padding_and_unknown_alike() -> None:
    assert (sequence.PAD, sequence.UNKNOWN) == (PAD, UNKNOWN)


@pytest.mark.parametrize(
    "stored", [{}, {"kind": "pictures"}, {"kind": "bpe", "tokenizers": {"x": 1}}, {"kind": "word"}]
)
def test_a_damaged_tokeniser_is_named(stored: dict[str, object]) -> None:
    with pytest.raises(UserError, match="tokenizer"):
        tokenizer_from_json(stored)
