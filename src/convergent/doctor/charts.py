"""The evidence as figures of the report: gradients, updates and units by layer over the steps."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from convergent.doctor.record import Evidence
from convergent.doctor.statistics import spike_steps, window
from convergent.types import Panel

MOST_LAYERS = 5
MOST_POINTS = 120


def panels(evidence: Evidence) -> list[Panel]:
    """Return figures of gradients, updates, units, losses and the gap to validation, where there is data for them."""
    found = [_by_layer(evidence, "grad_norm"), _updates(evidence), _activations(evidence, "zero_units")]
    found += [_activations(evidence, "saturation"), _histograms(evidence), _loss(evidence), _gap(evidence)]
    return [panel for panel in found if panel is not None]


def _lines(title: str, note: str, y_label: str, steps: list[int], series: dict[str, list[float]]) -> Panel | None:
    if len(steps) < 3 or not series:
        return None
    stride = -(-len(steps) // MOST_POINTS)
    kept = {name: values[::stride] for name, values in _spread_out(series).items()}
    data = {"x": steps[::stride], "series": kept, "x_label": "step", "y_label": y_label, "diagonal": False}
    return Panel(kind="lines", section="doctor", title=title, note=note, data=data)


def _spread_out(series: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return a few of the series, from the first to the last in even steps."""
    names = list(series)
    if len(names) <= MOST_LAYERS:
        return series
    chosen = [names[round(place * (len(names) - 1) / (MOST_LAYERS - 1))] for place in range(MOST_LAYERS)]
    return {name: series[name] for name in chosen}


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


def _histograms(evidence: Evidence) -> Panel | None:
    shares = {name: [100 * value for value in values[:-1]] for name, values in evidence.histograms.items()}
    if not shares:
        return None
    bins = len(next(iter(shares.values())))
    centres = [(2 * place + 1) / bins - 1 for place in range(bins)]
    data = {"x": centres, "series": _spread_out(shares), "x_label": "value, by its largest", "y_label": "% of values"}
    note = (
        "Histogram of each activation, by its largest absolute value: a lone peak at 0 is dead, at the ends saturated."
    )
    return Panel(kind="lines", section="doctor", title="Activations", note=note, data={**data, "diagonal": False})


def _loss(evidence: Evidence) -> Panel | None:
    losses = np.asarray(evidence.losses, dtype=float)
    spikes = spike_steps(losses)
    if not spikes:
        return None
    stride = -(-len(losses) // MOST_POINTS)
    steps = sorted({*range(0, len(losses), stride), *spikes})
    series = {
        "loss": [float(losses[step]) for step in steps],
        "spike": [float(losses[step]) if step in spikes else math.nan for step in steps],
    }
    data = {"x": steps, "series": series, "x_label": "step", "y_label": "loss", "diagonal": False}
    note = f"{len(spikes)} losses lie far out of the spread of those before."
    return Panel(kind="lines", section="doctor", title="Loss and its spikes", note=note, data=data)


def _gap(evidence: Evidence) -> Panel | None:
    scored = [one for one in evidence.evaluations if one.split == "valid" and one.loss is not None and one.interval]
    losses = np.asarray(evidence.losses, dtype=float)
    if len(scored) < 3 or not len(losses):
        return None
    before = [losses[max(0, one.step - window(evidence)) : one.step] for one in scored]
    series = {
        "validation": [one.loss for one in scored],
        "interval, low": [one.interval[0] for one in scored if one.interval],
        "interval, high": [one.interval[1] for one in scored if one.interval],
        "training": [float(part.mean()) if len(part) else math.nan for part in before],
    }
    data = {"x": [one.step for one in scored], "series": series, "x_label": "step", "y_label": "loss"}
    note = "Validation loss with its 95 % interval, and the mean training loss just before, penalties included."
    return Panel(kind="lines", section="doctor", title="Gap", note=note, data={**data, "diagonal": False})
