"""The evidence as figures of the report: gradients, updates and units by layer over the steps."""

from __future__ import annotations

import math
from collections import defaultdict

from convergent.doctor.record import Evidence
from convergent.types import Panel

MOST_LAYERS = 8
MOST_POINTS = 120


def panels(evidence: Evidence) -> list[Panel]:
    """Return figures of gradient norms, update ratios, dead units and saturation; those without data are left out."""
    found = [_by_layer(evidence, "grad_norm"), _updates(evidence), _activations(evidence, "zero_units")]
    found.append(_activations(evidence, "saturation"))
    return [panel for panel in found if panel is not None]


def _lines(title: str, note: str, y_label: str, steps: list[int], series: dict[str, list[float]]) -> Panel | None:
    if len(steps) < 3 or not series:
        return None
    stride = -(-len(steps) // MOST_POINTS)
    kept = {name: values[::stride] for name, values in list(series.items())[:MOST_LAYERS]}
    data = {"x": steps[::stride], "series": kept, "x_label": "step", "y_label": y_label, "diagonal": False}
    return Panel(kind="lines", section="doctor", title=title, note=note, data=data)


def _logarithm(value: float) -> float:
    return math.log10(value) if math.isfinite(value) and value > 0 else math.nan


def _by_layer(evidence: Evidence, field: str) -> Panel | None:
    samples = [s for s in evidence.samples if getattr(s, field)]
    names = [layer.name for layer in evidence.layers if len(layer.weight_shape) >= 2 and layer.trainable]
    names = [name for name in names if all(name in getattr(s, field) for s in samples)]
    series = {name: [_logarithm(getattr(s, field)[name]) for s in samples] for name in names}
    note = "Log10 of the gradient's norm by layer, in the order of the network: lines far apart vanish or explode."
    return _lines("Gradient norms", note, "log10 norm", [s.step for s in samples], series)


def _updates(evidence: Evidence) -> Panel | None:
    samples = [s for s in evidence.samples if s.update_norm]
    names = [layer.name for layer in evidence.layers if len(layer.weight_shape) >= 2 and layer.trainable]
    names = [n for n in names if all(n in s.update_norm and s.weight_norm.get(n, 0) > 0 for s in samples)]
    series = {n: [_logarithm(s.update_norm[n] / s.weight_norm[n]) for s in samples] for n in names}
    note = "Log10 of how far a step moves a layer's weights, by their norm: about -3 is usual, above -1 is too far."
    return _lines("Update ratios", note, "log10 ratio", [s.step for s in samples], series)


def _activations(evidence: Evidence, field: str) -> Panel | None:
    series: dict[str, list[float]] = defaultdict(list)
    steps: dict[str, list[int]] = defaultdict(list)
    for sample in evidence.activations:
        series[sample.name].append(getattr(sample, field))
        steps[sample.name].append(sample.step)
    most = max((len(values) for values in series.values()), default=0)
    kept = {name: values for name, values in series.items() if len(values) == most and max(values) > 0.01}
    if not kept:
        return None
    dead = field == "zero_units"
    title = "Units that never fire" if dead else "Saturation"
    note = (
        "Share of units that are zero for every sample of the batch."
        if dead
        else "How near bounded activations are to their ends: 1 is stuck."
    )
    return _lines(title, note, "share" if dead else "rho", steps[next(iter(kept))], kept)
