"""Texts with their words marked: how strongly each spoke for or against the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

FAINT = 0.03


def marked_texts(items: Sequence[dict[str, Any]]) -> Markup:
    """Return texts, each with a caption; a word's mark is as strong as its share of the strongest of its text.

    items  {caption, detail, words: [[word, weight]], rest: what stands behind the words}

    >>> str(marked_texts([{"caption": "ham", "words": [["hi", 1.0]]}])).count("<mark")
    1
    """
    shown = []
    for item in items:
        most = max((abs(float(weight)) for _, weight in item["words"]), default=0.0) or 1.0
        words = Markup(" ").join(_word(str(word), float(weight) / most) for word, weight in item["words"])
        line = "<li><p>{}{}</p><b>{}</b><span>{}</span></li>"
        shown.append(Markup(line).format(words, item.get("rest", ""), item.get("caption", ""), item.get("detail", "")))
    return Markup('<ul class="texts">{}</ul>').format(Markup("").join(shown))


def _word(word: str, share: float) -> Markup:
    if abs(share) < FAINT:
        return Markup("{}").format(word)
    side = "for" if share > 0 else "against"
    return Markup('<mark class="{}" style="--w:{}%">{}</mark>').format(side, round(60 * abs(share)), word)
