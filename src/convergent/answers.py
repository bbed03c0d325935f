"""What `predict` prints and writes: a line or a row a prediction, and a language model's text as it comes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from convergent.types import UserError


def write_on(pieces: Iterable[str]) -> None:
    """Print the pieces of a text as they are written, and end the line."""
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a prediction that fit into a cell: the numbers of all classes stay in the JSON."""
    return {name: value for name, value in answer.items() if not isinstance(value, dict | list)}


def as_line(answer: dict[str, Any]) -> str:
    r"""Return a prediction as a line.

    >>> as_line({"input": "a.png", "class": "cat", "probability": 0.98765, "probabilities": {}})
    'a.png\tcat\t0.9877'
    """
    return "\t".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in flat(answer).values())


def write_csv(path: Path, answers: list[dict[str, Any]]) -> None:
    """Write one row a prediction; raises UserError where the file can't be written."""
    rows = [flat(answer) for answer in answers]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["input"])
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from None
    print(f"{len(rows)} predictions written to {path}", file=sys.stderr)
