"""Steps that a schedule or a number format makes too small: spent early, warmed up too long, rounded away."""

from __future__ import annotations

import numpy as np

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.statistics import failed, learned_well, median
from convergent.types import Finding

FEWEST_STEPS = 100
FEWEST_RATES = 20
STRAIGHT = 0.9999
ROUNDED = 0.9


def rounded_away(evidence: Evidence) -> Finding | None:
    """Say where steps are below half a unit of the last place of weights in half precision: these do not change."""
    shares = [sample.unchanged for sample in evidence.samples]
    late = median(shares[len(shares) // 2 :]) if len(shares) >= FEWEST_RATES else 0.0
    if late < ROUNDED or learned_well(evidence):
        return None
    return finding(
        "training/learning-rate-too-low",
        "critical" if failed(evidence) else "warning",
        "weights",
        f"{late:.0%} of the weights stay as they are in a step: they are held in half precision, whose last digit is "
        "larger than the step. Keep them in float32, and let autocast take the products in half precision",
        unchanged=late,
    )


def still_warming(evidence: Evidence) -> Finding | None:
    """Say where the learning rate still rises in a straight line at the last step: warm-up outlasts the training."""
    rates = np.asarray([sample.learning_rate for sample in evidence.samples])
    steps = np.asarray([float(sample.step) for sample in evidence.samples])
    if len(rates) < FEWEST_RATES or len(evidence.losses) < FEWEST_STEPS or not rates[0] < 0.02 * rates[-1]:
        return None
    if (np.diff(rates) <= 0).any() or np.corrcoef(rates, steps)[0, 1] < STRAIGHT:
        return None
    return finding(
        "training/learning-rate-too-low",
        "info" if learned_well(evidence) else "warning",
        "schedule",
        f"the learning rate still rises at the last step, to {rates[-1]:.2g}: the warm-up is longer than the training",
        last_learning_rate=float(rates[-1]),
        steps=len(evidence.losses),
    )


def spent_early(evidence: Evidence) -> Finding | None:
    """Say where the schedule ends nearly all learning in a small first part of the training."""
    if len(evidence.samples) < 10:
        return None
    rates = [sample.learning_rate for sample in evidence.samples]
    ends = [sample.step for sample in evidence.samples[1:]] + [len(evidence.losses)]
    way = np.cumsum([r * max(0, e - s.step) for r, s, e in zip(rates, evidence.samples, ends, strict=True)])
    done = ends[int(np.searchsorted(way, 0.95 * way[-1]))] / max(1, ends[-1])
    fades = done <= 0.15 and rates[-1] <= 0.01 * max(rates)
    gone = done <= 0.3 and rates[-1] <= 1e-4 * max(rates)
    well = learned_well(evidence)
    if way[-1] <= 0 or not (gone or (fades and not well)):
        return None
    return finding(
        "training/learning-rate-too-low",
        "info" if well else "warning",
        "schedule",
        f"the schedule takes the learning rate from {max(rates):.3g} to {rates[-1]:.2g}: 95% of the way is gone after "
        f"{done:.0%} of the steps, and the rest hardly moves the weights",
        learning_rate=max(rates),
        last_learning_rate=rates[-1],
        share_of_steps=done,
    )
