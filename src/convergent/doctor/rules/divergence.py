"""Losses that run away for good, upwards or below zero (Goodfellow, Bengio, Courville 2016, section 8.2)."""

from __future__ import annotations

import math

import numpy as np

from convergent.doctor.features import made_anew
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.statistics import (
    Course,
    best_skill,
    block_means,
    climbs,
    course,
    last_evaluation,
    room,
    skill,
    skill_error,
)
from convergent.types import Finding

FEWEST_RUNNING = 100
SKILLED = 0.25
RUNAWAY = 10.0
"""Times its first size, or 1 where that is less: distances and likelihoods that are learned settle before that."""


def divergence(evidence: Evidence) -> Finding | None:
    """Say where the loss has grown away for good."""
    seen = course(evidence)
    if seen is None or seen.steps < 10 or evidence.adversarial:
        return None
    if climbs(evidence):
        return _wrong_sign(evidence, seen)
    if not math.isfinite(seen.end):
        return None
    runaway = _runs_below_zero(evidence, seen) or without_bound(evidence)
    if runaway is not None:
        return runaway
    low = min(seen.best, seen.start)
    if made_anew(evidence.data.train) and seen.end < RUNAWAY * low:
        return None  # what is asked of an agent grows with what it can
    if low <= 0 or seen.end < 2 * low or seen.end < 1.2 * seen.start or room(evidence) < 1.2:
        return None
    return finding(
        "training/divergence",
        "critical",
        "loss",
        f"the loss grew from {low:.3g} to {seen.end:.3g} and has not come back",
        best=low,
        end=seen.end,
    )


def _runs_below_zero(evidence: Evidence, seen: Course) -> Finding | None:
    """Say where the loss falls without bound while the metric is surely below that of a constant prediction."""
    one = last_evaluation(evidence, "valid") or last_evaluation(evidence, "train")
    found = skill(one)
    if one is None or found is None or not seen.end < seen.start - 2 * abs(seen.start) or not seen.end < 0:
        return None
    if found - 0.5 * skill_error(one) > 0.02:
        return None
    return finding(
        "training/divergence",
        "critical",
        "loss",
        f"the loss runs from {seen.start:.3g} to {seen.end:.3g}, below zero, and the metric is worse than that of a "
        "constant prediction: the sign of the loss is wrong, or what it is given has no bound",
        start=seen.start,
        end=seen.end,
        skill=found,
    )


def without_bound(evidence: Evidence) -> Finding | None:
    """Say where a loss runs away from zero faster and faster: what it is given has no bound.

    A likelihood that is being learned gets better ever more slowly; what has no best value does not slow down. The
    loss of one of two that train against each other may run either way.
    """
    losses = np.asarray(evidence.losses, dtype=float)
    if len(losses) < FEWEST_RUNNING or not np.isfinite(losses).all() or (best_skill(evidence) or 0.0) > SKILLED:
        return None
    quarters = block_means(losses, len(losses) // 4)[-4:]
    sizes = np.abs(quarters)
    first = float(np.abs(losses[: max(3, len(losses) // 50)]).mean())
    way = np.diff(quarters)
    steady = bool((np.sign(way) == np.sign(way[0])).all()) and abs(way[-1]) > 0.8 * abs(way[0])
    if evidence.adversarial:
        steady = bool((np.diff(sizes) > 0).all())
    falls = quarters[-1] < 0 or evidence.adversarial
    if not falls or not steady or sizes[-1] < RUNAWAY * max(first, 1.0):
        return None
    return finding(
        "training/divergence",
        "critical",
        "loss",
        f"the loss runs from {losses[0]:.3g} to {quarters[-1]:.3g} and does not slow down: a sign is wrong, or what it "
        "is made of has no bound",
        start=float(losses[0]),
        quarters=[float(value) for value in quarters],
    )


def _wrong_sign(evidence: Evidence, seen: Course) -> Finding | None:
    """Say where minus the loss is minimised and so the loss grows."""
    call = evidence.data.loss
    if call is None or (math.isfinite(seen.end) and seen.end > seen.start - 0.1 * abs(seen.start)):
        return None
    return finding(
        "training/divergence",
        "critical",
        "loss",
        f"the backward pass begins from minus the {call.name or call.kind} loss, which grows from "
        f"{abs(seen.start):.3g} to {abs(seen.end):.3g}: the sign of the loss is wrong",
        start=seen.start,
        end=seen.end,
    )


RULES = (divergence,)
