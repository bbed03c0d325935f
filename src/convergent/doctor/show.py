"""Findings as text for a terminal and as JSON for programs."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from convergent.types import Finding

WIDTH = 100
MARKS = {"critical": "✗ critical", "warning": "! warning", "info": "· info"}


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings as paragraphs: causes in full, what they explain in a line under them.

    >>> print(as_text([]))
    The doctor found nothing wrong.
    """
    if not findings:
        return "The doctor found nothing wrong."
    explained = {(f.model, code) for f in findings for code in f.consequences}
    causes = [f for f in findings if (f.model, f.code) not in explained]
    loud = sum(f.severity != "info" for f in causes)
    title = f"The doctor found {loud or 'nothing wrong; '} {_things(loud)}".replace("  ", " ")
    return "\n\n".join([title, *(_paragraph(one, findings) for one in causes)])


def _things(loud: int) -> str:
    return "worth knowing:" if not loud else "problem:" if loud == 1 else "problems, causes first:"


def _paragraph(one: Finding, findings: Sequence[Finding]) -> str:
    place = " · ".join(part for part in (one.model, one.where) if part)
    lines = [f"{MARKS[one.severity]}  {one.code}" + (f"  ({place})" if place else ""), _wrapped(one.message)]
    if one.why:
        lines.append(_wrapped(one.why))
    numbers = ", ".join(f"{name} {shown(value)}" for name, value in one.evidence.items() if is_short(value))
    if numbers:
        lines.append(_wrapped(f"Evidence: {numbers}"))
    lines += [_wrapped(f"{index}. {remedy}") for index, remedy in enumerate(one.remedies, 1)]
    if one.source:
        lines.append(_wrapped(f"Source: {one.source}"))
    for other in findings:
        if other.code in one.consequences and other.model == one.model:
            lines.append(_wrapped(f"→ explains {other.code}: {other.message}"))
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def is_short(value: Any) -> bool:
    """Return whether a piece of evidence fits into a line."""
    return isinstance(value, int | float | str) or (isinstance(value, list | tuple) and len(value) <= 4)


def shown(value: Any) -> str:
    """Return a piece of evidence as text.

    >>> shown(0.123456), shown(3), shown([1.0, 2.5])
    ('0.123', '3', '1, 2.5')
    """
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value)
    return str(value)


def as_json(script: str, seconds: float, findings: Sequence[Finding]) -> str:
    """Return the findings as the JSON of `convergent diagnose --json`: plain numbers, NaN and Inf as text."""
    body = {"script": script, "seconds": round(seconds, 2), "findings": [plain(f.model_dump()) for f in findings]}
    return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False, default=str)


def plain(value: Any) -> Any:
    """Return a value that strict JSON can hold.

    >>> plain({"loss": float("nan"), "steps": (1, 2)})
    {'loss': 'nan', 'steps': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
