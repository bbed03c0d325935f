"""Too little progress, or progress on the training data alone."""

from __future__ import annotations

import math

from convergent.doctor.features import made_anew, numeric_targets
from convergent.doctor.findings import finding
from convergent.doctor.functions import DECOUPLED
from convergent.doctor.record import Evaluation, Evidence
from convergent.doctor.rules.copies import not_one_to_one
from convergent.doctor.simple import simple_skill
from convergent.doctor.statistics import (
    best_skill,
    better_rate,
    course,
    failed,
    last_evaluation,
    learned_well,
    median,
    relative_trend,
    room,
    skill,
    skill_error,
    window,
)
from convergent.types import Finding

AWAY = 0.1
"""Of the weights' first norm: so little is left where decay has its way."""


def slow_convergence(evidence: Evidence) -> Finding | None:
    """Say where the loss has gone almost nowhere in all its steps, and is not broken either."""
    seen = course(evidence)
    if seen is None or not seen.finite or seen.steps < 20 or not failed(evidence) or evidence.adversarial:
        return None
    if seen.end > 1.2 * max(seen.start, seen.reference):
        return None
    return finding(
        "training/slow-convergence",
        "info" if better_rate(evidence) is None and _may_be_noise(evidence, _simpler(evidence)) else "warning",
        "loss",
        f"in {seen.steps} steps the loss went from {seen.start:.3g} to {seen.end:.3g}; a constant prediction has "
        f"{seen.reference:.3g}",
        start=seen.start,
        end=seen.end,
        steps=seen.steps,
    )


UNITS_APART, FAR_BELOW = 10.0, -1.0
"""Times as large a spread, that no other split of the same numbers has, and an R2."""
NOT_LEARNED = 0.4
"""Part of the chance loss that is left."""
STRONG = 3.0
"""Times the data's gradient at the first weights: usual penalties have a tenth."""
FREED = 0.03
"""Of the loss: what exchanged inputs cost once a penalty on the outputs is gone."""
WIDE = 0.25
"""Gap in metric, and share of the chance loss, that counts where validation samples were scored only once."""


def overfitting(evidence: Evidence) -> Finding | None:
    """Say where validation gets worse while training gets better, by more than the noise of its samples."""
    train, valid = _series(evidence, "train"), _series(evidence, "valid")
    if not valid:
        return None
    last, best = valid[-1], min(valid, key=lambda one: one.loss or math.inf)
    train_loss = train[-1].loss if train else _end(evidence)
    in_eval = evidence.experiments.eval_mode_loss
    if train_loss is not None and in_eval is not None and math.isfinite(in_eval) and not train:
        train_loss = max(train_loss, in_eval)  # validation is scored in evaluation mode: so are the samples it lacks
    if last.loss is None or best.loss is None or train_loss is None or best.interval is None or last.interval is None:
        return None
    rising = last.interval[0] > best.loss and last.loss > 1.1 * best.loss and best.step < last.step
    apart = last.loss > 1.5 * train_loss and last.interval[0] > train_loss
    gap = _gap(train[-1] if train else None, last)
    chance = course(evidence).reference if course(evidence) is not None else math.inf  # type: ignore[union-attr]
    wide = 0.08 if len(valid) > 1 else WIDE
    large = apart and gap is not None and gap > wide
    worse = rising and apart and (gap is None or gap > 0.03)
    if not (worse or large) or last.loss - train_loss < wide * chance:
        return None
    return finding(
        "training/overfitting",
        "warning",
        f"from step {best.step} on",
        f"the validation loss is {last.loss:.3g} against {train_loss:.3g} in training"
        + (f", after its lowest point of {best.loss:.3g} at step {best.step}" if rising else ""),
        valid_loss=last.loss,
        train_loss=train_loss,
        best_valid_loss=best.loss,
        metric_gap=gap,
    )


def _series(evidence: Evidence, split: str) -> list[Evaluation]:
    return [
        one for one in evidence.evaluations if one.split == split and one.loss is not None and math.isfinite(one.loss)
    ]


def _end(evidence: Evidence) -> float | None:
    seen = course(evidence)
    return seen.end if seen is not None and math.isfinite(seen.end) else None


def _gap(train: Evaluation | None, valid: Evaluation) -> float | None:
    """Return by how much the training metric is above the validation metric, less twice the standard error."""
    mine = skill(valid)
    if mine is None:
        return None
    best = skill(train) if train is not None else 1.0
    return best - mine - skill_error(valid) if best is not None else None


def underfitting(evidence: Evidence) -> Finding | None:
    """Say where even the training data is not learned, though the loss has come to rest."""
    seen = course(evidence)
    if seen is None or not seen.finite or seen.steps < 50 or learned_well(evidence) or evidence.adversarial:
        return None
    found = skill(last_evaluation(evidence, "train")) or skill(last_evaluation(evidence, "valid"))
    poor = found < 0.25 if found is not None else room(evidence) > 0.8
    trend = relative_trend(evidence.losses, window(evidence))
    if evidence.experiments.causal:  # much of the next token cannot be known: its loss rests far above zero
        poor = room(evidence) > 0.95
    simpler = _simpler(evidence)
    if trend < -0.1 or not (poor or simpler):
        return None
    # How low this loss can get is not known; of an agent more is asked the more it can.
    guessed = found is None and (evidence.experiments.chance_loss is None or made_anew(evidence.data.train))
    return finding(
        "training/underfitting",
        "info" if guessed or _may_be_noise(evidence, simpler) else "warning",
        "loss",
        f"the training loss rests at {seen.end:.3g}, {room(evidence):.0%} of a constant prediction's: the network does "
        "not learn its own training data"
        + (f"; nearest neighbours or a linear fit come {simpler:.0%} of the way to all right" if simpler else ""),
        loss=seen.end,
        of_chance=room(evidence),
        skill=found,
        simple_skill=simpler,
    )


def _simpler(evidence: Evidence) -> float | None:
    """Return how far the simplest models come, where that is much farther than the network came: it is no noise."""
    network = best_skill(evidence)
    if network is None or room(evidence) < NOT_LEARNED or not_one_to_one(evidence) or _still_improves(evidence):
        return None
    simple = simple_skill(evidence)
    return simple.skill if simple is not None and simple.is_far_above(network) else None


def _still_improves(evidence: Evidence) -> bool:
    """Return whether the last evaluation of a split was better than the one before it, by more than chance."""
    for split in ("train", "valid"):
        mine = [one for one in evidence.evaluations if one.split == split]
        before, last = (skill(one) for one in mine[-2:]) if len(mine) > 1 else (None, None)
        if before is not None and last is not None and last - before > skill_error(mine[-1]):
            return True
    return False


def _may_be_noise(evidence: Evidence, simpler: float | None) -> bool:
    """Return whether what is left may be noise: validation is above the baseline, and no simple model far above it."""
    one = last_evaluation(evidence, "valid")
    found = skill(one)
    return simpler is None and one is not None and found is not None and found > skill_error(one) > 0


def regularization_dominates(evidence: Evidence) -> Finding | None:
    """Say where the penalty pulls harder on the weights than the data does."""
    by_hand = _penalty_by_hand(evidence) or _penalty_on_outputs(evidence)
    if by_hand is not None:
        return by_hand
    late = [s.penalty_ratio for s in evidence.samples[len(evidence.samples) // 3 :] if s.penalty_ratio is not None]
    if len(late) < 3 or learned_well(evidence):
        return None
    shrunk = _shrinkage(evidence)
    if _decayed_away(evidence, shrunk):
        return finding(
            "training/regularization-dominates",
            "critical",
            "optimizer",
            f"weight decay {evidence.weight_decay:g} has pulled the weights to {shrunk:.1%} of their first norm, and "
            "hardly anything is learned",
            weight_decay=evidence.weight_decay,
            weights_left=shrunk,
            by_decay_alone=math.exp(-_decay(evidence)),
        )
    if not median(late) > 0.9 or (shrunk > 0.7 and not failed(evidence)):
        return None
    return finding(
        "training/regularization-dominates",
        "critical" if failed(evidence) else "warning",
        "optimizer",
        f"weight decay {evidence.weight_decay:g} pulls {median(late):.2g} times as hard as the data's gradient, "
        "and the "
        f"weights have shrunk to {shrunk:.0%} of their first norm",
        ratio=median(late),
        weight_decay=evidence.weight_decay,
        weights_left=shrunk,
    )


def _penalty_by_hand(evidence: Evidence) -> Finding | None:
    ratio = evidence.experiments.penalty_ratio
    if ratio is None or not ratio > (0.9 if failed(evidence) else STRONG):
        return None
    says = ", and hardly anything is learned" if failed(evidence) else ""
    return finding(
        "training/regularization-dominates",
        "critical" if failed(evidence) else "info" if learned_well(evidence) else "warning",
        "loss",
        f"the penalty on the weights that the loss holds pulls {ratio:.2g} times as hard as the data{says}",
        ratio=ratio,
    )


def _penalty_on_outputs(evidence: Evidence) -> Finding | None:
    gap = evidence.experiments.freed_gap
    if gap is None or gap < FREED:
        return None
    return finding(
        "training/regularization-dominates",
        "critical",
        "loss",
        "inputs that are handed to other samples' targets do not change the loss; after a short training without the "
        f"terms of the loss that see no target they raise it by {gap:.0%}: those terms outweigh the data (is one a sum "
        "and the other a mean?)",
        freed_gap=gap,
    )


def _decayed_away(evidence: Evidence, shrunk: float) -> bool:
    """Return whether weights are gone as far as decay alone takes them; what is left of gradients is noise then."""
    return shrunk < AWAY and math.exp(-_decay(evidence)) < AWAY and failed(evidence)


def _decay(evidence: Evidence) -> float:
    """Return the logarithm of what weight decay alone would have divided the weights by."""
    if evidence.adaptive and evidence.optimizer not in DECOUPLED:
        return 0.0  # there the penalty goes through the optimiser's own scale
    rates = [sample.learning_rate for sample in evidence.samples]
    ahead = 1 - evidence.momentum if evidence.optimizer not in DECOUPLED else 1.0
    return len(evidence.losses) * evidence.weight_decay * sum(rates) / max(1, len(rates)) / max(ahead, 0.01)


def _shrinkage(evidence: Evidence) -> float:
    norms = [math.sqrt(sum(v**2 for v in s.weight_norm.values())) for s in evidence.samples if s.weight_norm]
    return norms[-1] / norms[0] if norms and norms[0] > 0 else 1.0


def metric_loss_disagree(evidence: Evidence) -> Finding | None:
    """Say where the metric is miscounted, or gets worse over the evaluations while the validation loss improves."""
    if evidence.scored_across:
        return finding(
            "training/metric-loss-disagree",
            "critical",
            "evaluation",
            f"the evaluation compares {evidence.scored_across}: each output with the target of every sample, so that "
            "the share of equal pairs is no accuracy",
            shapes=evidence.scored_across,
        )
    miscounted = _counted_otherwise(evidence) or _truncated(evidence) or _other_units(evidence)
    if miscounted is not None:
        return miscounted
    valid = [one for one in _series(evidence, "valid") if one.metric is not None]
    if len(valid) < 4 or evidence.adversarial:
        return None
    first, last = valid[0], valid[-1]
    assert first.loss is not None and last.loss is not None and first.metric is not None and last.metric is not None
    better = last.interval is not None and last.interval[1] < first.loss and last.loss < 0.8 * first.loss
    if not better or last.metric > first.metric - 0.02 or (last.baseline or 0) >= 1:
        return None
    return finding(
        "training/metric-loss-disagree",
        "warning",
        "evaluation",
        f"the validation loss fell from {first.loss:.3g} to {last.loss:.3g}, but its metric went from "
        f"{first.metric:.3g} to "
        f"{last.metric:.3g}",
        losses=[one.loss for one in valid][-4:],
        metrics=[one.metric for one in valid][-4:],
    )


def _counted_otherwise(evidence: Evidence) -> Finding | None:
    """Say where the program counts far fewer right answers than the network gives on the same samples."""
    one, own = last_evaluation(evidence, "valid"), evidence.experiments.own_accuracy
    if one is None or one.metric is None or own is None or one.samples < 50:
        return None
    if own - one.metric < 0.1 + 2 * math.sqrt(0.25 / one.samples):
        return None
    return finding(
        "training/metric-loss-disagree",
        "critical",
        "evaluation",
        f"the evaluation counts {one.metric:.1%} right, but the network's likeliest class is right for {own:.1%} of "
        "the same samples: the metric is computed wrongly",
        metric=one.metric,
        own_count=own,
        samples=one.samples,
    )


def _truncated(evidence: Evidence) -> Finding | None:
    """Say where an evaluation turns probabilities into classes by leaving their digits away."""
    if not evidence.truncated:
        return None
    return finding(
        "training/metric-loss-disagree",
        "critical",
        "evaluation",
        f"the evaluation cuts the probabilities behind {evidence.truncated} to whole numbers, and whatever is below 1 "
        "becomes 0: compare them with a threshold instead",
        transform=evidence.truncated,
    )


def _other_units(evidence: Evidence) -> Finding | None:
    """Say where outputs are scored against numbers of another scale than those that were learned."""
    one, train, valid = last_evaluation(evidence, "valid"), evidence.data.train, evidence.data.valid
    learned, scored = numeric_targets(evidence, train), numeric_targets(evidence, valid)
    if one is None or one.metric is None or learned is None or scored is None or min(len(learned), len(scored)) < 20:
        return None
    spread, other = float(learned.std()), float(scored.std())
    if not spread > 0 or max(other / spread, spread / max(other, 1e-12)) < UNITS_APART or one.metric > FAR_BELOW:
        return None
    return finding(
        "training/metric-loss-disagree",
        "critical",
        "evaluation",
        f"the network learned targets of mean {float(learned.mean()):.3g} and standard deviation {spread:.3g}, and is "
        f"scored against ones of mean {float(scored.mean()):.3g} and {other:.3g}: turn its outputs back into those "
        "units first",
        learned_std=spread,
        scored_std=other,
        metric=one.metric,
    )


def replicas_differ(evidence: Evidence) -> Finding | None:
    """Say where the processes that train together no longer hold the same weights."""
    hashes = evidence.replica_hashes
    if len(set(hashes)) < 2:
        return None
    return finding(
        "training/replicas-differ",
        "critical",
        "ranks",
        f"{len(set(hashes))} different sets of weights in {len(hashes)} processes that should hold the same",
        ranks=len(hashes),
        different=len(set(hashes)),
    )


RULES = (
    slow_convergence,
    overfitting,
    underfitting,
    regularization_dominates,
    metric_loss_disagree,
    replicas_differ,
)
