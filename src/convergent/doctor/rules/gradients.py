"""Gradients that vanish, explode or are not finite (AutoTrainer; Glorot and Bengio 2010)."""

from __future__ import annotations

import itertools
import math

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, Layer
from convergent.doctor.rules.setup_model import has_matrix
from convergent.doctor.statistics import better_rate, course, failed, learned_well, median, total_norm, usual_rate
from convergent.types import Finding

VANISHED = 1e-3
SHRUNK = 1e-2
"""Where every layer's is smaller than the next one's and all are squashed: the sigmoid's slope is at most 1/4."""
SQUASHING = ("sigmoid", "tanh")
EXPLODED = 70.0
FEWEST_LAYERS = 3
FORGOTTEN = 1e-4


def non_finite(evidence: Evidence) -> Finding | None:
    """Say at which step the loss or a gradient stopped being a finite number."""
    bad = next((step for step, loss in enumerate(evidence.losses) if not math.isfinite(loss)), None)
    sampled = next((s for s in evidence.samples if any(not math.isfinite(v) for v in s.grad_norm.values())), None)
    seen = course(evidence)
    if bad is None and sampled is None:
        return None
    ends = seen is not None and not seen.finite
    step = min(s for s in (bad, sampled.step if sampled else None) if s is not None)
    layers = [name for name, value in (sampled.grad_norm if sampled else {}).items() if not math.isfinite(value)]
    return finding(
        "training/non-finite",
        "critical" if ends else "warning",
        f"step {step + 1}",
        f"from step {step + 1} on the {'loss' if bad == step else 'gradient'} is no finite number",
        step=step + 1,
        layers=layers[:5],
        lost_steps=sum(not math.isfinite(loss) for loss in evidence.losses),
    )


def _depth(evidence: Evidence) -> list[Layer]:
    return [one for one in evidence.layers if has_matrix(one) and one.trainable]


def vanishing_gradient(evidence: Evidence) -> Finding | None:
    """Say where early layers get a gradient far below that of late ones, by the root mean square of an element."""
    through_time = _vanished_in_time(evidence)
    if through_time is not None:
        return through_time
    layers = _depth(evidence)
    if len(layers) < FEWEST_LAYERS or learned_well(evidence) or not evidence.samples:
        return None
    early = evidence.samples[: max(3, len(evidence.samples) // 2)]
    sizes: dict[str, float] = {}
    for layer in layers:
        norms = [s.grad_norm[layer.name] for s in early if math.isfinite(s.grad_norm.get(layer.name, math.nan))]
        if norms:
            sizes[layer.name] = median(norms) / math.sqrt(max(1, layer.num_parameters))
    names = list(sizes)
    if len(names) < FEWEST_LAYERS or not max(sizes.values()) > 0:
        return None
    late = max(sizes[name] for name in names[len(names) // 2 :])
    ratio = sizes[names[0]] / late if late else 1.0
    # One small layer is no trend: the queries and keys of an attention that is still even get next to no gradient.
    early_third = max(sizes[name] for name in names[: max(1, len(names) // 3)]) / late if late else 1.0
    enough = SHRUNK if failed(evidence) and _shrinks_layer_by_layer(layers, sizes) else VANISHED
    if not 0 < ratio < enough or early_third > enough**0.5 or _rate_is_too_low(evidence):
        return None
    return finding(
        "training/vanishing-gradient",
        "critical" if failed(evidence) else "warning",
        names[0],
        f"an element of {names[0]}'s gradient is {ratio:.1e} of the late layers': the first layers hardly learn",
        ratio=ratio,
        by_layer=sizes,
    )


def _shrinks_layer_by_layer(layers: list[Layer], sizes: dict[str, float]) -> bool:
    """Return whether all hidden layers are squashed, and each gets a smaller gradient than the one after it."""
    hidden = [one for one in layers if one.name in sizes][:-1]
    rising = list(sizes.values())
    return all(one.activation in SQUASHING for one in hidden) and all(a < b for a, b in itertools.pairwise(rising))


def _rate_is_too_low(evidence: Evidence) -> bool:
    """Return whether a larger rate learns from the same gradients, whose size does not matter to the optimiser."""
    better = better_rate(evidence) if evidence.adaptive else None
    return better is not None and better[0] > usual_rate(evidence)


def _vanished_in_time(evidence: Evidence) -> Finding | None:
    """Say where the loss of a recurrent network that learned nothing does not feel the first part of its inputs."""
    ratio = evidence.experiments.time_ratio
    if ratio is None or ratio > FORGOTTEN or not failed(evidence):
        return None
    return finding(
        "training/vanishing-gradient",
        "critical",
        "time",
        f"the gradient that reaches the first third of the time steps is {ratio:.1e} of that of the last ones: what "
        "stands early in a sequence can't be learned",
        time_ratio=ratio,
    )


def exploding_gradient(evidence: Evidence) -> Finding | None:
    """Say where the gradient grows far beyond its usual size, or out of every bound."""
    norms = [(s.step, total_norm(s)) for s in evidence.samples if s.grad_norm]
    finite = [(step, norm) for step, norm in norms if math.isfinite(norm)]
    if len(finite) < 3 or learned_well(evidence) or evidence.adversarial:
        return None
    seen = course(evidence)
    first = median([norm for _, norm in finite[:3]])
    step, largest = max(finite, key=lambda pair: pair[1])
    growth = largest / first if first > 0 else math.inf
    weights = math.sqrt(sum(v**2 for v in evidence.samples[0].weight_norm.values()))
    # What Adam divides by its own size, a sum over the batch say, is not too large for it.
    huge = weights > 0 and first > 100 * weights and not evidence.adaptive
    if not (growth > EXPLODED or huge or (len(finite) < len(norms) and growth > 5)):
        return None
    broken = seen is not None and (not seen.finite or failed(evidence))
    return finding(
        "training/exploding-gradient",
        "critical" if broken else "warning",
        f"step {step + 1}",
        f"the gradient's norm reaches {largest:.3g} at step {step + 1}, {growth:.3g} times that of the first steps",
        largest=largest,
        first=first,
        growth=growth,
    )


RULES = (non_finite, vanishing_gradient, exploding_gradient)
