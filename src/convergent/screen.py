"""Lines for the person who watches: on standard error, for standard output is for results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from convergent.types import Splits

Say = Callable[[str], None]
MOST_EXAMPLE = 30


def say_on_stderr(text: str) -> None:
    """Print a line."""
    print(text, file=sys.stderr, flush=True)


def describe(splits: Splits) -> list[str]:
    """Return what was read, in lines for the screen."""
    spec = splits.spec
    sizes = ", ".join(f"{size:,} {name}" for name, size in spec.sizes.items())
    lines = [f"{sizes} ({spec.split})"]
    if spec.classes is not None:
        shown = ", ".join(spec.classes[:8]) + (" ..." if len(spec.classes) > 8 else "")
        lines.append(f"{len(spec.classes)} classes of `{spec.target}`: {shown}")
    lines += column_lines(spec.features.get("columns", []))
    lines += splits.train.notes
    if spec.refused:
        first = spec.refused[0]
        lines.append(f"{len(spec.refused)} samples refused, the first: {first.where}: {first.reason}")
    return lines


def column_lines(columns: list[dict[str, Any]]) -> list[str]:
    """Return a table's columns side by side: name, kind, missing values, an example, and what was done with it.

    >>> column_lines([{"name": "age", "kind": "numeric", "missing": 2, "example": "29", "note": ""}])
    ['  age  numeric  2 missing  29']
    """
    rows = [
        [
            str(column["name"]),
            str(column["kind"]),
            f"{column['missing']:,} missing" if column["missing"] else "",
            str(column["example"] or "")[:MOST_EXAMPLE],
            str(column["note"] or ""),
        ]
        for column in columns
    ]
    widths = [max(len(cell) for cell in cells) for cells in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def summary(result: dict[str, Any]) -> list[str]:
    """Return the result in lines for the screen: each split's main metric with its interval, beside the baseline."""
    name = result["metric"]
    lines = []
    for split in ("valid", "test"):
        if split in result:
            low, high = result[split]["interval"]
            lines.append(f"{split}: {name} {result[split][name]:.4f} (95 % interval {low:.4f} to {high:.4f})")
    lines.append(
        f"baseline ({result.get('baseline_is', 'the same answer always')}): {name} {result['baseline'][name]:.4f}"
    )
    return lines
