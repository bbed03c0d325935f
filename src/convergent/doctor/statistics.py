"""How far a training has come, from its losses and evaluations; and the small robust statistics that rules share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from convergent.doctor.record import Evaluation, Evidence, Experiments, StepSample

SAME_LOSS = 1e-4
"""Of a loss: what exchanged inputs change by rounding."""
LEARNED_WELL = 0.35
LEARNED_LITTLE = 0.85
FLAT, FEW_PERCENT, MUCH, WON = 10.0, 0.03, 0.1, 0.3
"""Of a rate's gain: times the differences among lower rates, shares of the first loss, what the usual one may reach."""
BOTTOMLESS = 10.0
"""Times the first loss, below zero: there is no floor to what is minimised."""


class Course(NamedTuple):
    """The loss of a training, from robust means over windows."""

    start: float
    end: float
    best: float
    """Smallest window mean."""
    reference: float
    """What a constant prediction reaches, or the start where that is not known."""
    finite: bool
    steps: int


def window(evidence: Evidence) -> int:
    """Return over how many steps a loss is averaged: an epoch where it is short, a tenth of the training otherwise."""
    steps = len(evidence.losses)
    epoch = evidence.steps_per_epoch or steps
    return max(1, min(epoch, max(5, steps // 10), max(1, steps // 3)))


def course(evidence: Evidence) -> Course | None:
    """Return the course of the loss; None before a few steps have been made."""
    losses = np.asarray(evidence.losses, dtype=float)
    if len(losses) < 3:
        return None
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return Course(math.nan, math.nan, math.nan, math.nan, False, len(losses))
    size = window(evidence)
    means = block_means(finite, size)
    start = float(np.median(finite[: min(3, size)]))
    ended = bool(np.isfinite(losses[-size:]).all())
    chance = evidence.experiments.chance_loss
    reference = chance if chance is not None and chance > 0 else abs(start)
    return Course(
        start, float(np.mean(finite[-size:])) if ended else math.inf, float(means.min()), reference, ended, len(losses)
    )


def block_means(values: np.ndarray, size: int) -> np.ndarray:
    """Return means of neighbouring blocks; the last one is whole, a rest at the front is left out.

    >>> block_means(np.array([9.0, 1.0, 3.0, 5.0, 7.0]), 2).tolist()
    [2.0, 6.0]
    """
    blocks = max(1, len(values) // size)
    means: np.ndarray = values[len(values) - blocks * min(size, len(values)) :].reshape(blocks, -1).mean(1)
    return means


def room(evidence: Evidence) -> float:
    """Return which part of the chance loss is left at the end: 0 solved, 1 nothing learned; above 1 worse.

    Measured from what the best prediction of soft targets reaches, unless these say next to nothing.
    """
    seen = course(evidence)
    if seen is None or not seen.reference > 0:
        return 1.0
    if not math.isfinite(seen.end):
        return math.inf
    floor = evidence.experiments.floor_loss if evidence.experiments.chance_loss is not None else 0.0
    floor = floor if floor < 0.8 * seen.reference else 0.0
    return (seen.end - floor) / (seen.reference - floor)


def last_evaluation(evidence: Evidence, split: str) -> Evaluation | None:
    """Return the last evaluation of a split."""
    mine = [one for one in evidence.evaluations if one.split == split]
    return mine[-1] if mine else None


def skill(one: Evaluation | None) -> float | None:
    """Return an evaluation's metric on a scale where the baseline is 0 and perfect is 1; None where not known."""
    if one is None or one.metric is None or one.baseline is None or one.baseline >= 1:
        return None
    return (one.metric - one.baseline) / (1 - one.baseline)


def skill_error(one: Evaluation) -> float:
    """Return about twice the standard error of `skill`."""
    if one.metric is None or one.baseline is None or not one.samples or one.baseline >= 1:
        return 0.0
    share = min(max(one.metric, 0.02), 0.98) if one.true_counts else 0.5
    return 2 * math.sqrt(share * (1 - share) / one.samples) / (1 - one.baseline)


def best_skill(evidence: Evidence) -> float | None:
    """Return the larger skill of the last training and validation evaluations."""
    found = [s for split in ("train", "valid") if (s := skill(last_evaluation(evidence, split))) is not None]
    return max(found) if found else None


def learned_well(evidence: Evidence) -> bool:
    """Return whether the training solved most of what a constant prediction leaves."""
    found = best_skill(evidence)
    seen = course(evidence)
    if (seen is not None and not math.isfinite(seen.end)) or (found is None and ignores_inputs(evidence)):
        return False
    if found is not None and found > 0.7:
        return room(evidence) < 1.5 or evidence.experiments.chance_loss is None
    return room(evidence) < LEARNED_WELL and (found is None or found > 0.4)


def failed(evidence: Evidence) -> bool:
    """Return whether hardly anything was learned, by loss and by metric."""
    seen = course(evidence)
    if seen is None:
        return False
    if not math.isfinite(seen.end):
        return True
    found = best_skill(evidence)
    if found is not None and found > 0.25:
        return False
    if found is None and ignores_inputs(evidence):
        return True
    if room(evidence) > LEARNED_LITTLE:
        return True
    return found is not None and found < 0.05 and seen.end > 0.5 * seen.reference


def dead_from_the_start(evidence: Evidence) -> str:
    """Return the activation after which all units are zero for every sample at every step; empty where there is none.

    What stands before it has no gradient, at whatever learning rate.
    """
    shares: dict[str, list[float]] = {}
    for sample in evidence.activations:
        if sample.units > 1:
            shares.setdefault(sample.name, []).append(sample.zero_units)
    return next((name for name, mine in shares.items() if len(mine) >= 3 and min(mine) >= 1.0), "")


def change_by_exchange(tried: Experiments) -> float | None:
    """Return by which share of the loss inputs that are handed to other samples' targets change it at most.

    None where it was not tried often enough.
    """
    if tried.real_loss is None or len(tried.permuted_loss) < 5 or not math.isfinite(tried.real_loss):
        return None
    return max(abs(loss - tried.real_loss) for loss in tried.permuted_loss) / max(abs(tried.real_loss), 1e-6)


def ignores_inputs(evidence: Evidence) -> bool:
    """Return whether handing inputs to other samples' targets leaves a loss with targets exactly as it is."""
    train, change = evidence.data.train, change_by_exchange(evidence.experiments)
    if evidence.data.loss is None or train is None or train.targets is None or evidence.adversarial:
        return False
    return change is not None and change <= SAME_LOSS


def climbs(evidence: Evidence) -> bool:
    """Return whether minus a loss is minimised, and nothing that is measured says that it is meant so."""
    call = evidence.data.loss
    return call is not None and call.negated and (best_skill(evidence) or 0.0) <= 0.25


def share_of_steps(evidence: Evidence, holds: Callable[[StepSample], bool]) -> float:
    """Return in which share of all steps something holds, each sampled step standing for those up to the next."""
    samples = evidence.samples
    if not samples:
        return 0.0
    ends = [sample.step for sample in samples[1:]] + [max(len(evidence.losses), samples[-1].step + 1)]
    held = sum(end - sample.step for sample, end in zip(samples, ends, strict=True) if holds(sample))
    return held / max(1, ends[-1] - samples[0].step)


def usual_rate(evidence: Evidence) -> float:
    """Return the learning rate that half of the steps lie above, and at least a tenth of the largest; 0 if unknown."""
    samples = sorted(evidence.samples, key=lambda sample: sample.step)
    ends = [sample.step for sample in samples[1:]] + [max(len(evidence.losses), samples[-1].step + 1) if samples else 0]
    rates = sorted(
        (s.learning_rate, end - s.step) for s, end in zip(samples, ends, strict=False) if s.learning_rate > 0
    )
    if not rates:
        return 0.0
    way = np.cumsum([steps for _, steps in rates])
    middle = rates[int(np.searchsorted(way, way[-1] / 2))][0]
    return max(middle, 0.1 * rates[-1][0])


def better_rate(evidence: Evidence) -> tuple[float, float] | None:
    """Return the learning rate that does far better than the usual one from the same first weights, and its loss.

    None where none does, or only on batches that are learned by heart. A gain of a few percent counts where all lower
    rates are as good as equal.
    """
    tried = evidence.experiments
    if tried.same_rate_loss is None or tried.initial_loss is None or len(tried.range_test) < 3:
        return None
    fresh_best, fresh_same = tried.fresh_best_loss, tried.fresh_same_loss
    if fresh_best is not None and fresh_same is not None and fresh_best >= fresh_same:
        return None
    rate, loss = min(tried.range_test, key=lambda pair: pair[1])
    if loss < -BOTTOMLESS * max(1.0, abs(tried.initial_loss)):
        return None  # log-probabilities with signs before them, as an agent's, can be driven anywhere
    gained, could = tried.initial_loss - tried.same_rate_loss, tried.initial_loss - loss
    lower = [other_loss for other, other_loss in tried.range_test if other < rate]
    flat = len(lower) > 2 and could > FLAT * (max(lower) - min(lower))
    enough = could > (FEW_PERCENT if flat else MUCH) * abs(tried.initial_loss)
    return (rate, loss) if math.isfinite(loss) and enough and not gained > WON * could else None


def spike_steps(losses: np.ndarray, recent: int = 30) -> list[int]:
    """Return the steps whose loss is far out of the spread of the `recent` ones before: 10 MAD, and three times.

    >>> spike_steps(np.array([1.0, 1.1] * 20 + [9.0] + [1.0, 1.1] * 5))
    [40]
    """
    if len(losses) <= recent:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(losses[:-1], recent)
    middle = np.median(windows, 1)
    spread = 1.4826 * np.median(np.abs(windows - middle[:, None]), 1)
    later = losses[recent:]
    far = np.isfinite(later) & (later > middle + 10 * spread) & (later > 3 * np.maximum(middle, 1e-12))
    return [int(step) + recent for step in np.flatnonzero(far)]


def ratios(samples: Sequence[StepSample]) -> list[float]:
    """Return ||update|| / ||weights|| over all layers, for each sampled step that has both."""
    found = []
    for sample in samples:
        weight = math.sqrt(sum(v**2 for v in sample.weight_norm.values()))
        update = math.sqrt(sum(v**2 for v in sample.update_norm.values()))
        if weight > 0 and sample.update_norm:
            found.append(update / weight)
    return found


def total_norm(sample: StepSample) -> float:
    """Return the norm of the whole gradient at a step."""
    return math.sqrt(sum(v**2 for v in sample.grad_norm.values()))


def median(values: Sequence[float]) -> float:
    """Return the median; NaN of nothing.

    >>> median([3.0, 1.0, 2.0]), median([])
    (2.0, nan)
    """
    return float(np.median(values)) if len(values) else math.nan


def relative_trend(values: Sequence[float], size: int) -> float:
    """Return the change over the last half, by Theil-Sen's slope on block means, as a share of its level."""
    means = block_means(np.asarray(values, dtype=float), max(1, size))
    half = means[len(means) // 2 :]
    if len(half) < 3 or not np.isfinite(half).all():
        return 0.0
    slopes = [(half[j] - half[i]) / (j - i) for i in range(len(half)) for j in range(i + 1, len(half))]
    return float(np.median(slopes) * len(half) / (abs(half.mean()) + 1e-12))
