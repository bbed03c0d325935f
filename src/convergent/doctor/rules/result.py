"""Is the result worth anything, and is it to be believed?"""

from __future__ import annotations

import math

from convergent.doctor.findings import finding
from convergent.doctor.record import Evaluation, Evidence
from convergent.doctor.statistics import (
    LEARNED_LITTLE,
    course,
    last_evaluation,
    relative_trend,
    room,
    skill,
    skill_error,
    window,
)
from convergent.types import Finding

ENOUGH_STEPS = 30
STEEP, HARDLY = 0.25, 0.15
"""Of the loss, over the last half of the steps; and what must be left of the chance loss."""
FEWEST_POSITIVES = 20
OF_ONE_BATCH = 0.6
"""Of batch norm's momentum, 0.1 by default: from here on the statistics are those of one or two batches."""
SAME_CALLS = 1e-6
"""Of the outputs' spread: two calls in evaluation mode are one."""


def _judged(evidence: Evidence) -> Evaluation | None:
    return last_evaluation(evidence, "valid") or last_evaluation(evidence, "train")


def no_better_than_baseline(evidence: Evidence) -> Finding | None:
    """Say where the final metric is not above that of always predicting the prior."""
    against = _against_its_targets(evidence)
    if against is not None:
        return against
    one = _judged(evidence)
    found = skill(one)
    if one is None or found is None or len(evidence.losses) < ENOUGH_STEPS or evidence.adversarial:
        return None
    call = evidence.data.loss
    if call is not None and call.weighted:
        return None  # class weights give up accuracy for rare classes on purpose
    uncertain = skill_error(one)
    if found - 0.5 * uncertain > 0.02:
        return None
    # A tenth of the way from the baseline to perfect may be all that weak features allow: it must lie out of reach.
    sure = found + uncertain < 0.1 or room(evidence) > LEARNED_LITTLE
    return finding(
        "result/no-better-than-baseline",
        "critical" if found <= 0.02 and sure and one.samples >= 20 else "warning",
        f"{one.split} data after step {one.step}",
        f"the metric {one.metric:.3g} is not above that of always predicting the prior, {one.baseline:.3g}",
        metric=one.metric,
        baseline=one.baseline,
        samples=one.samples,
    )


def _against_its_targets(evidence: Evidence) -> Finding | None:
    """Say where outputs trained by a loss of the user's own overlap with their targets less than saying 1 always."""
    counted = evidence.experiments.positives
    if counted is None or evidence.adversarial or len(evidence.losses) < ENOUGH_STEPS:
        return None
    said, true, both, total = counted
    dice, always = 2 * both / max(1, said + true), 2 * true / max(1, total + true)
    if true < FEWEST_POSITIVES or dice > 0.5 * always:
        return None
    return finding(
        "result/no-better-than-baseline",
        "critical",
        "training batches",
        f"outputs and targets overlap with a Dice coefficient of {dice:.3g}, where saying 1 everywhere has "
        f"{always:.3g}: the loss that is written out by hand rewards the opposite of what is meant; look at its sign",
        dice=dice,
        dice_of_always=always,
        outputs=said,
        targets=true,
        both=both,
    )


def class_collapse(evidence: Evidence) -> Finding | None:
    """Say which classes are never predicted though they have support."""
    one = _judged(evidence)
    if one is None or len(one.true_counts) < 2 or len(evidence.losses) < ENOUGH_STEPS or not one.predicted_counts:
        return None
    if evidence.experiments.causal:
        return None  # a rare next token need never be the likeliest
    never = [
        k for k, (p, t) in enumerate(zip(one.predicted_counts, one.true_counts, strict=False)) if p == 0 and t >= 5
    ]
    present = sum(t > 0 for t in one.true_counts)
    missed = sum(one.true_counts[k] for k in never)
    if not never or (present > 10 and missed < 0.1 * sum(one.true_counts)):
        return None
    single = max(one.predicted_counts) == sum(one.predicted_counts)
    support = [one.true_counts[k] for k in never]
    return finding(
        "result/class-collapse",
        "critical" if single else "warning",
        f"classes {', '.join(map(str, never[:10]))}",
        f"{len(never)} of {present} classes are never predicted, with {sum(support)} samples between them",
        classes=never[:20],
        support=support[:20],
        predicted=one.predicted_counts[:20],
    )


def train_eval_gap(evidence: Evidence) -> Finding | None:
    """Say where the same data score far worse in evaluation mode than in training mode."""
    if evidence.norm_momentum >= OF_ONE_BATCH and not evidence.adversarial:
        return finding(
            "result/train-eval-gap",
            "warning",
            "batch norm",
            f"the running statistics of batch norm are {evidence.norm_momentum:.0%} those of the last batch: torch's "
            "momentum is the share of the new, where Keras's is the share of the old",
            momentum=evidence.norm_momentum,
        )
    if evidence.stale_average:
        return finding(
            "result/train-eval-gap",
            "warning",
            evidence.stale_average,
            "a copy that is evaluated follows the weights, as a running average does, but its "
            f"{evidence.stale_average} has seen no batch: its statistics are mean 0 and variance 1; copy the buffers "
            "too, or let it read batches in training mode",
        )
    tried, seen = evidence.experiments, course(evidence)
    train, scored = tried.train_mode_loss, tried.eval_mode_loss
    # A dropout of one's own is no module that is known: where evaluation repeats itself, the mode makes the difference.
    switches = evidence.has_switches or (tried.eval_calls_differ is not None and tried.eval_calls_differ < SAME_CALLS)
    if train is None or scored is None or seen is None or not switches or evidence.adversarial:
        return None
    if not math.isfinite(scored) or scored < 1.5 * train or scored - train < 0.1 * abs(seen.reference):
        return None
    return finding(
        "result/train-eval-gap",
        "critical" if scored > 3 * train and scored > 0.8 * seen.reference else "warning",
        "evaluation mode",
        f"the same training batches have a loss of {train:.3g} in training mode and {scored:.3g} in evaluation mode",
        train_mode=train,
        eval_mode=scored,
    )


def too_good(evidence: Evidence) -> Finding | None:
    """Note a metric at its ceiling on many samples."""
    one = last_evaluation(evidence, "valid")
    shared = evidence.data.overlap or 0.0
    if one is None or one.metric is None or one.samples < 500 or not one.metric >= 0.9999:  # it may be NaN
        return None
    return finding(
        "result/too-good",
        "warning" if shared > 0.05 else "info",
        "validation data",
        f"all {one.samples:,} validation samples are right: look for leakage before you believe it",
        metric=one.metric,
        samples=one.samples,
        overlap=shared,
    )


def stopped_early(evidence: Evidence) -> Finding | None:
    """Note where validation was still improving, beyond the error of its samples, when the training ended."""
    valid = [one for one in evidence.evaluations if one.split == "valid"]
    if len(valid) < 2:
        return _stopped_in_fall(evidence)
    by_loss = [one for one in valid if one.loss is not None and one.interval is not None]
    scored = len(by_loss) == len(valid)
    if not (scored or all(one.metric is not None for one in valid)):
        return None
    lefts = [_left(one, scored) for one in valid]
    errors = [_left_error(one, scored) for one in valid]
    best = valid[lefts.index(min(lefts))]
    before = len(valid) - 1 - max(1, len(valid) // 4)
    gain, noise = lefts[before] - lefts[-1], math.hypot(errors[before], errors[-1])
    # Both evaluations are on the same samples: their true difference has less noise than this.
    if best.step < 0.75 * valid[-1].step or not gain > 0.07 * abs(lefts[before]):
        return None
    if not gain > noise and (len(valid) < 4 or not scored):
        return None
    name = "loss" if scored else "error"
    return finding(
        "result/stopped-early",
        "info",
        f"step {valid[-1].step}",
        f"the validation {name} was still falling at the end, from {lefts[before]:.3g} to {lefts[-1]:.3g} in "
        "the last quarter",
        loss=lefts[-1],
        earlier=lefts[before],
    )


def _stopped_in_fall(evidence: Evidence) -> Finding | None:
    """Note where the training loss was falling steeply at the end, of a training that was hardly validated."""
    seen = course(evidence)
    if seen is None or not seen.finite or seen.steps < ENOUGH_STEPS or evidence.adversarial:
        return None
    trend = relative_trend(evidence.losses, window(evidence))
    if trend > -STEEP or not HARDLY < room(evidence) < LEARNED_LITTLE:
        return None
    return finding(
        "result/stopped-early",
        "info",
        f"step {seen.steps}",
        f"the training loss was still falling at the end: by {-trend:.0%} over the last half of the steps, to "
        f"{seen.end:.3g}",
        trend=trend,
        loss=seen.end,
    )


def _left(one: Evaluation, by_loss: bool) -> float:
    """Return the loss, or what the metric lacks to be perfect."""
    value = one.loss if by_loss else 1.0 - (one.metric or 0.0)
    return value if value is not None and math.isfinite(value) else math.inf


def _left_error(one: Evaluation, by_loss: bool) -> float:
    """Return about twice the standard error of what is left."""
    if by_loss and one.interval is not None:
        return (one.interval[1] - one.interval[0]) / 2
    return skill_error(one) * (1 - (one.baseline or 0.0))


RULES = (no_better_than_baseline, class_collapse, train_eval_gap, too_good, stopped_early)
