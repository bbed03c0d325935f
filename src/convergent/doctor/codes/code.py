"""One entry of the vocabulary."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What a code says, why it matters in a sentence, what to do in the order to try it, and where it comes from."""

    says: str
    why: str
    remedies: tuple[str, ...]
    source: str
