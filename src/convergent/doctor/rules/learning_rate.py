"""Steps too large, too small, swinging or jumping (CS231n; Smith 2017; AutoTrainer; Cohen et al. 2021)."""

from __future__ import annotations

import math

import numpy as np

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.rules.schedule import rounded_away, spent_early, still_warming
from convergent.doctor.statistics import (
    Course,
    better_rate,
    block_means,
    course,
    dead_from_the_start,
    failed,
    learned_well,
    median,
    ratios,
    room,
    spike_steps,
    usual_rate,
    window,
)
from convergent.types import Finding

LARGE_UPDATE = 0.1
SOME_STEPS = 8
SMALL_UPDATE = 3e-4
TINY_UPDATE = 1e-5
"""Below it no experiment is needed: 10,000 steps could not turn the weights around."""
PERMUTATIONS = 500
BEYOND = 3.0
AHEAD = 0.9
CLEARLY = 0.6
"""A loss counts as clearly lower from 0.6 of the other on, both measured from the same first weights."""
LASTING, LASTS = 0.99, 0.1
"""Momentum from which on it is looked at, and the share of the training that it may last."""
WELL = 0.8
"""The same where a step has changed the weights by more than their norm."""
MANY_STEPS, SOON = 400, 40
"""Of a training, and those in which other rates are tried."""
JUMP, HARDLY = 2.0, 0.05
"""Of the first loss, and of what a lower rate gains in those few steps."""
BROKE_FROM = 2.0
"""Times the first loss: from there on a loss that is no number any more may have grown to it."""


def learning_rate_too_high(evidence: Evidence) -> Finding | None:
    """Say where steps are so large that the loss does not fall, or a tenth of the rate does clearly better."""
    seen = course(evidence)
    if seen is None or evidence.adversarial or seen.steps < 3:
        return None
    outdone = _outdone(evidence, seen)
    if learned_well(evidence) and not (outdone and evidence.data.loss is None):
        return None
    early = ratios([s for s in evidence.samples if s.step < 32])
    size = median([value for value in early if math.isfinite(value)]) if early else math.nan
    worst = max((value for value in early if math.isfinite(value)), default=0.0)
    grew = not seen.finite or (math.isfinite(seen.start) and seen.end > 1.2 * max(seen.start, seen.reference))
    tried = evidence.experiments
    if not seen.finite and tried.range_test and not _holds_at_lower_rate(evidence):
        return None  # what breaks at every rate is broken by something else
    slower = _clearly_lower(tried.tenth_rate_loss, tried.same_rate_loss, tried.initial_loss)
    large = size > LARGE_UPDATE or worst > 1.0
    worse = room(evidence) > 1.5
    bad = failed(evidence) or worse or outdone
    if not seen.finite and slower is None and not _grew_before_it_broke(evidence):
        return None
    if failed(evidence) and (_ahead_of_the_end(evidence, seen) or _turns_uphill(evidence) or _kills_units(evidence)):
        slower = grew = True
    if outdone or (failed(evidence) and _overturns(evidence, early)):
        slower = grew = True
    broken = bad and (slower or (worse and large) or (slower is None and (large or grew)))
    ahead = CLEARLY if slower else WELL if worst > 1.0 else 0.0
    if not broken and not (slower and large) and not _far_ahead(evidence, seen, ahead):
        return _lasting_momentum(evidence)
    rate = usual_rate(evidence) or math.nan
    says = (
        "the loss is no finite number any more"
        if not seen.finite
        else f"the loss went from {seen.start:.3g} to {seen.end:.3g}"
    )
    return finding(
        "training/learning-rate-too-high",
        "critical" if bad else "warning",
        "optimizer",
        f"at learning rate {rate:.3g} a step changes the weights by {size:.2g} of their norm and {says}",
        learning_rate=rate,
        update_ratio=size,
        largest_update_ratio=worst,
        loss_at_a_tenth=tried.tenth_rate_loss,
        loss_at_this_rate=tried.same_rate_loss,
    )


def _lasting_momentum(evidence: Evidence) -> Finding | None:
    """Say where momentum sums up so many gradients that a good part of the training is one step."""
    summed, rate = 1 / max(1e-9, 1 - evidence.momentum), usual_rate(evidence) or math.nan
    if evidence.optimizer != "SGD" or evidence.momentum < LASTING or summed < LASTS * len(evidence.losses):
        return None
    return finding(
        "training/learning-rate-too-high",
        "warning",
        "optimizer",
        f"momentum {evidence.momentum:g} sums up {summed:.0f} gradients, in a training of {len(evidence.losses)} "
        f"steps: they are as large as with a learning rate of {rate * summed:.3g}, and go on long after they should "
        "turn; 0.9 is usual",
        momentum=evidence.momentum,
        learning_rate=rate,
        effective_rate=rate * summed,
    )


def _holds_at_lower_rate(evidence: Evidence) -> bool:
    rate = usual_rate(evidence) or math.nan
    return any(lower < 0.5 * rate and math.isfinite(loss) for lower, loss in evidence.experiments.range_test)


def _grew_before_it_broke(evidence: Evidence) -> bool:
    """Return whether the loss rose before it was no finite number any more; what breaks at once has another cause."""
    finite = [loss for loss in evidence.losses if math.isfinite(loss)]
    return len(finite) < 2 or max(finite[1:]) > BROKE_FROM * abs(finite[0])


def _overturns(evidence: Evidence, sizes: list[float]) -> bool:
    """Return whether some early steps change the weights by a tenth of their norm or more, and a tenth does better.

    A median would not see them: weights that grow with every step make the later ones look small.
    """
    tried = evidence.experiments
    same, tenth = tried.same_rate_loss, tried.tenth_rate_loss
    largest = sorted((size for size in sizes if math.isfinite(size)), reverse=True)[:SOME_STEPS]
    return (
        same is not None and tenth is not None and tenth < same
        and len(largest) == SOME_STEPS and median(largest) > LARGE_UPDATE
    )  # fmt: skip


def _far_ahead(evidence: Evidence, seen: Course, share: float) -> bool:
    """Return whether a lower rate, on batches it was not trained on, is after a few steps far below the training's end.

    What is learned by heart is not: those batches are fresh.
    """
    tried, rate = evidence.experiments, usual_rate(evidence) or math.nan
    best = min(tried.range_test, key=lambda pair: pair[1], default=(math.nan, math.nan))[0]
    fresh = tried.fresh_best_loss
    if fresh is None or not 0 < seen.end < math.inf:  # below zero a share of it is no smaller
        return False
    return best < 0.5 * rate and fresh < share * seen.end


def _turns_uphill(evidence: Evidence) -> bool:
    """Return whether the loss rises at this rate in the steps in which it falls at a tenth."""
    tried = evidence.experiments
    start, same, tenth = tried.initial_loss, tried.same_rate_loss, tried.tenth_rate_loss
    if start is None or same is None or tenth is None or not start > 0:
        return False
    return same > 1.2 * start and tenth < 0.97 * start


def _outdone(evidence: Evidence, seen: Course) -> bool:
    """Return whether the loss jumps at this rate, and the whole training hardly ends below what a lower one soon has.

    On batches that those few steps did not train on; the training had many times as many.
    """
    tried, rate = evidence.experiments, usual_rate(evidence) or math.nan
    best = min(tried.range_test, key=lambda pair: pair[1], default=(math.nan, math.nan))[0]
    start, fresh = tried.initial_loss, tried.fresh_best_loss
    if (
        start is None
        or fresh is None
        or not best < 0.5 * rate
        or seen.steps < MANY_STEPS
        or not _turns_uphill(evidence)
    ):
        return False
    jumped = max(evidence.losses[:SOON]) > JUMP * start
    return jumped and fresh - seen.end < HARDLY * (start - fresh)


def _kills_units(evidence: Evidence) -> bool:
    """Return whether units that fired at first die, while the loss rises at this rate and falls at a tenth."""
    tried = evidence.experiments
    start, same, tenth = tried.initial_loss, tried.same_rate_loss, tried.tenth_rate_loss
    if start is None or same is None or tenth is None or not same > 1.02 * start or not tenth < start:
        return False
    dead = [name for name, share in evidence.dead_units.items() if share > 0.5]
    return any(one.zero_units < 0.5 for one in evidence.activations[: len(evidence.dead_units)] if one.name in dead)


def _ahead_of_the_end(evidence: Evidence, seen: Course) -> bool:
    """Return whether a lower rate is further in a few steps than this one is in them, and in the whole training."""
    tried, rate = evidence.experiments, usual_rate(evidence) or math.nan
    lower = [loss for other, loss in tried.range_test if other < 0.5 * rate and math.isfinite(loss)]
    if not lower or tried.same_rate_loss is None or not math.isfinite(seen.end):
        return False
    return min(lower) < AHEAD * min(seen.end, tried.same_rate_loss)


def _clearly_lower(one: float | None, other: float | None, start: float | None) -> bool | None:
    """Return whether an experiment's loss is clearly below another's; None where it was not tried."""
    if one is None or other is None or not math.isfinite(one):
        return None
    if not math.isfinite(other):
        return True
    below_start = start is None or one < 0.95 * start or other > 1.5 * start
    return below_start and one < CLEARLY * other


def learning_rate_too_low(evidence: Evidence) -> Finding | None:
    """Say where steps are so small that the loss barely falls though a larger rate would bring it down."""
    seen = course(evidence)
    if seen is None or not math.isfinite(seen.end) or evidence.adversarial or seen.steps < 10:
        return None
    if dead_from_the_start(evidence):
        return None
    warming = rounded_away(evidence) or still_warming(evidence)
    if warming is not None or not failed(evidence):
        return warming or spent_early(evidence)
    sizes = [value for value in ratios(evidence.samples) if math.isfinite(value)]
    size, tried = median(sizes), evidence.experiments
    if not sizes or size > SMALL_UPDATE or seen.end > 1.2 * seen.start:
        return None
    same, rate = tried.same_rate_loss, usual_rate(evidence) or math.nan
    better = better_rate(evidence)
    if size > TINY_UPDATE and (better is None or not better[0] > rate):
        return None
    return finding(
        "training/learning-rate-too-low",
        "critical",
        "optimizer",
        f"at learning rate {rate:.3g} a step changes the weights by {size:.1e} of their norm, and in {seen.steps} "
        "steps the "
        f"loss went from {seen.start:.3g} to {seen.end:.3g} only",
        learning_rate=rate,
        update_ratio=size,
        loss_at_ten_times=tried.higher_rate_loss,
        loss_at_this_rate=same,
    )


def oscillating_loss(evidence: Evidence) -> Finding | None:
    """Say where the loss swings from window to window without getting anywhere."""
    seen = course(evidence)
    if seen is None or not seen.finite or seen.steps < 40 or learned_well(evidence) or evidence.adversarial:
        return None
    means = block_means(np.asarray(evidence.losses), max(5, window(evidence)))[1:]
    if len(means) < 6:
        return None
    moves = np.diff(means)
    path, way = float(np.abs(moves).sum()), float(abs(means[-1] - means[0]))
    turns = float((np.sign(moves[1:]) != np.sign(moves[:-1])).mean())
    swing = float(np.abs(moves).mean() / (abs(means.mean()) + 1e-12))
    if turns < 0.5 or swing < 0.2 or way > 0.3 * path or not _beyond_noise(evidence, len(means)):
        return None
    return finding(
        "training/oscillating-loss",
        "warning",
        "loss",
        f"the mean loss swings by {swing:.0%} from one stretch to the next and turns in {turns:.0%} of them, "
        "without progress",
        swing=swing,
        turns=turns,
    )


def _beyond_noise(evidence: Evidence, blocks: int) -> bool:
    """Return whether stretches differ by more than the draw of their batches explains.

    A permutation test: losses that owe their spread to their batches alone swing as much in any order. Or, where steps
    bounce one by one, against the spread of the samples' losses in the evaluations.
    """
    size = max(5, window(evidence))
    losses = np.asarray(evidence.losses, dtype=float)[-blocks * size :]
    draw = np.random.default_rng(0)

    def path(values: np.ndarray) -> float:
        return float(np.abs(np.diff(values.reshape(blocks, size).mean(1))).sum())

    if path(losses) > max(path(draw.permutation(losses)) for _ in range(PERMUTATIONS)):
        return True
    spreads = [
        (one.interval[1] - one.interval[0]) / (2 * 1.96) * math.sqrt(one.samples) / one.loss
        for one in evidence.evaluations
        if one.interval is not None and one.loss
    ]
    if not spreads or not evidence.batch_size:
        return False
    chance = 2 / math.sqrt(math.pi) * median(spreads) / math.sqrt(evidence.batch_size * size)
    return path(losses) / (blocks - 1) > BEYOND * chance * abs(float(losses.mean()))


def loss_spike(evidence: Evidence) -> Finding | None:
    """Say where the loss jumped far out of its recent spread."""
    losses = np.asarray(evidence.losses, dtype=float)
    if len(losses) < 60 or evidence.adversarial or learned_well(evidence):
        return None
    spikes = spike_steps(losses)
    if not spikes:
        return None
    worst = max(spikes, key=lambda step: float(losses[step]))
    return finding(
        "training/loss-spike",
        "warning" if failed(evidence) else "info",
        f"step {worst + 1}",
        f"the loss jumps to {losses[worst]:.3g} at step {worst + 1}, from "
        f"{np.median(losses[worst - 30 : worst]):.3g} before",
        step=worst + 1,
        loss=float(losses[worst]),
        spikes=len(spikes),
    )


def edge_of_stability(evidence: Evidence) -> Finding | None:
    """Note where learning rate times sharpness lies beyond what plain gradient descent bears."""
    value = evidence.experiments.sharpness
    if value is None or not math.isfinite(value) or value < 2 * (1 + evidence.momentum) or learned_well(evidence):
        return None
    return finding(
        "training/edge-of-stability",
        "info",
        "optimizer",
        f"learning rate times the Hessian's largest eigenvalue is {value:.3g}; gradient descent is stable up to "
        f"{2 * (1 + evidence.momentum):.3g}",
        value=value,
    )


LEFT = 0.25
"""Of what there was to learn."""


def batch_size(evidence: Evidence) -> Finding | None:
    """Note where the batch is far from the critical size that the gradient's noise asks for."""
    if evidence.optimizer == "Rprop" and evidence.steps_per_epoch != 1 and room(evidence) > LEFT:
        return finding(
            "training/batch-size",
            "warning",
            "optimizer",
            "Rprop goes by the signs of the gradient, which differ from batch to batch: it is made for all samples at "
            f"once, and gets {evidence.batch_size}",
            batch_size=evidence.batch_size,
        )
    scale, size = evidence.experiments.noise_scale, evidence.batch_size
    if scale is None or not size or not failed(evidence) or scale < 100 * size:
        return None
    return finding(
        "training/batch-size",
        "info",
        "batches",
        f"the gradient's noise scale is {scale:.3g} samples, the batch holds {size}: steps are mostly noise",
        noise_scale=scale,
        batch_size=size,
    )


RULES = (
    learning_rate_too_high,
    learning_rate_too_low,
    oscillating_loss,
    loss_spike,
    edge_of_stability,
    batch_size,
)
