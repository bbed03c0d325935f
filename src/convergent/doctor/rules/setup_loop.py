"""Is the loop right: modes, gradients set to zero, a learning rate that can work, one batch that can be learned?"""

from __future__ import annotations

import math

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.statistics import (
    better_rate,
    dead_from_the_start,
    failed,
    learned_well,
    share_of_steps,
    usual_rate,
)
from convergent.types import Finding


def wrong_mode(evidence: Evidence) -> Finding | None:
    """Say where training ran in evaluation mode, or evaluation in training mode, and the network has what differs."""
    if evidence.drops_in_evaluation:
        return _dropped_in_evaluation()
    if not evidence.has_switches:
        return None
    wrong = [sample.step for sample in evidence.samples if not sample.training_mode]
    share = share_of_steps(evidence, lambda sample: not sample.training_mode)
    if len(wrong) >= 2 and share > 0.3:
        return finding(
            "setup/wrong-mode",
            "critical",
            f"step {wrong[0] + 1}",
            f"{share:.0%} of the steps trained in evaluation mode: dropout is off and batch norm uses running "
            "statistics that no longer follow",
            share=share,
            first_step=wrong[0] + 1,
        )
    return _scored_in_training(evidence)


def _scored_in_training(evidence: Evidence) -> Finding | None:
    """Say where evaluations ran in training mode."""
    scored = [one for one in evidence.evaluations if one.split == "valid"] or evidence.evaluations
    modes = [one.training_mode for one in scored] or evidence.scored_in_training
    if not any(modes) or sum(modes) < 0.5 * len(modes):
        return None
    where = f"after step {scored[modes.index(True)].step}" if scored else "of single classes"
    return finding(
        "setup/wrong-mode",
        "critical" if evidence.has_batch_norm else "warning",
        f"evaluation {where}",
        f"{sum(modes)} of {len(modes)} evaluations ran in training mode: dropout drops units and batch norm "
        "uses the batch's own statistics while the network is scored",
        evaluations=sum(modes),
    )


def _dropped_in_evaluation() -> Finding:
    """Say that a dropout function does not follow the mode."""
    return finding(
        "setup/wrong-mode",
        "warning",
        "forward",
        "a dropout function drops units while the model is in evaluation mode: it is not told "
        "`training=self.training`, so every prediction is noisy",
    )


def missing_zero_grad(evidence: Evidence) -> Finding | None:
    """Say where the gradient of earlier steps is still there when a step begins."""
    later = [sample for sample in evidence.samples if sample.step > 0]
    stale = [sample for sample in later if sample.stale_gradient > 0 or math.isnan(sample.stale_gradient)]
    if len(later) < 3 or len(stale) < 0.8 * len(later) or evidence.adversarial:
        return None
    if evidence.accumulates and evidence.optimizer != "LBFGS":
        return None
    return finding(
        "setup/missing-zero-grad",
        "critical",
        "loop",
        f"at {len(stale)} of {len(later)} sampled steps the gradient of the step before was still there when the "
        "backward "
        "pass began, so gradients pile up",
        steps=len(stale),
        stale_gradient=stale[0].stale_gradient,
    )


def cannot_overfit_batch(evidence: Evidence) -> Finding | None:
    """Say where even a single batch can't be learned, alone and over and over (Karpathy 2019)."""
    tried = evidence.experiments
    if tried.overfit_start is None or tried.overfit_end is None or not failed(evidence):
        return None
    level = min(tried.overfit_start, tried.chance_loss or math.inf)
    if tried.overfit_end < 0.6 * level:
        return None
    return finding(
        "setup/cannot-overfit-batch",
        "warning",
        "one batch",
        f"trained on one batch alone the loss goes from {tried.overfit_start:.3g} to {tried.overfit_end:.3g}, where a "
        "network that can learn gets near zero",
        start=tried.overfit_start,
        end=tried.overfit_end,
    )


def learning_rate_out_of_range(evidence: Evidence) -> Finding | None:
    """Say where the range test finds rates ten times away that do far better from the same first weights."""
    better, rate, same = better_rate(evidence), usual_rate(evidence), evidence.experiments.same_rate_loss
    if better is None or same is None or not rate or learned_well(evidence) or not failed(evidence):
        return None
    best_rate, best = better
    if best_rate > rate and (dead_from_the_start(evidence) or not all(map(math.isfinite, evidence.losses))):
        return None  # larger steps mend neither
    if 0.11 < best_rate / rate < 9:
        return None
    side = "high" if best_rate < rate else "low"
    return finding(
        "setup/learning-rate-out-of-range",
        "warning",
        "optimizer",
        f"the learning rate {rate:.3g} is too {side}: from the same first weights {best_rate:.3g} brings the loss to "
        f"{best:.3g} in the steps in which this one brings it to {same:.3g}",
        learning_rate=rate,
        better_rate=best_rate,
        loss=same,
        better_loss=best,
    )


RULES = (wrong_mode, missing_zero_grad, cannot_overfit_batch, learning_rate_out_of_range)
