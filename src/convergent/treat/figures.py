"""Treatments as figures of the report: the tree of attempts, their curves, and what to write to have it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convergent.types import Panel

Told = Mapping[str, Any]
"""A treatment as it stands in result.json."""


def treatment_panels(told: Sequence[Told]) -> list[Panel]:
    """Return the figures of all treatments of a training; none where there were none."""
    if not told:
        return []
    tree = [row for number, one in enumerate(told, 1) for row in _branches(number, one)]
    columns = ["step", "attempt", "score", "outcome"]
    note = (
        "Each finding with what was tried for it, beside the untreated training: the same batches, the same draws, "
        "equally many steps. The score is the validation loss after the best temperature; of numbers log(1 + squared "
        "error / variance)."
    )
    data = {"columns": columns, "rows": tree}
    panels = [Panel(kind="table", section="treatment", title="What was tried", note=note, data=data)]
    panels += [panel for number, one in enumerate(told, 1) if (panel := _curves(number, one)) is not None]
    recipe = [row for one in told for row in _recipe(one)]
    if recipe:
        data = {"columns": ["what helped", "in the configuration", "in Python"], "rows": recipe}
        note = "To have it from the start."
        panels.append(Panel(kind="table", section="treatment", title="What to change", note=note, data=data))
    return panels


def outcome(one: Told, attempt: Told) -> str:
    """Return what became of an attempt, in words."""
    if attempt["note"]:
        return str(attempt["note"])
    if attempt["kept"] and one["gain"] is None:
        return "done: it changes what is measured, not what is trained"
    if attempt["kept"]:
        error = f" ± {one['error']:.2g}" if one["error"] is not None else ""
        return f"kept: better by {one['gain']:.3g}{error}"
    return "undone"


def _branches(number: int, one: Told) -> list[list[Any]]:
    rows: list[list[Any]] = [[one["step"], f"{number}. {one['findings'][0]}: {one['message']}", "", ""]]
    if one["declined"]:
        return [*rows, [one["step"], "└ nothing: declined", "", ""]]
    last = one["untreated"][-1] if one["untreated"] else [one["step"], None]
    rows.append([last[0], "├ untreated", _score(last[1]), "" if one["kept"] else "went on"])
    for place, attempt in enumerate(one["attempts"]):
        branch = "└" if place + 1 == len(one["attempts"]) else "├"
        step, score = attempt["curve"][-1] if attempt["curve"] else ("", None)
        rows.append([step, f"{branch} {'; '.join(attempt['changes'])}", _score(score), outcome(one, attempt)])
    return rows


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _curves(number: int, one: Told) -> Panel | None:
    curves = {"untreated": dict(map(tuple, one["untreated"]))}
    for attempt in one["attempts"]:
        name = ", ".join(attempt["remedies"])
        while name in curves:
            name += "'"
        curves[name] = dict(map(tuple, attempt["curve"]))
    steps = sorted({step for curve in curves.values() for step in curve})
    if not one["attempts"] or not steps:
        return None
    series = {name: [curve.get(step) for step in steps] for name, curve in curves.items()}
    data = {"x": steps, "series": series, "x_label": "step", "y_label": "score", "diagonal": False}
    title = f"Trial {number}: {one['findings'][0]}"
    return Panel(kind="lines", section="treatment", title=title, note="Smaller is better.", data=data)


def _recipe(one: Told) -> list[list[str]]:
    kept = next((attempt for attempt in one["attempts"] if attempt["kept"]), None)
    if kept is None:
        return []
    options = "; ".join(f"{name}: {kept['were'][name]} → {value}" for name, value in kept["options"].items())
    return [["; ".join(kept["changes"]), options, "; ".join(kept["code"])]]
