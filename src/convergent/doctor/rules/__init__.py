"""Rules: pure functions from what was recorded to findings, one file a concept."""

from __future__ import annotations

from collections.abc import Callable

from convergent.doctor.record import Evidence
from convergent.doctor.rules import (
    activations,
    copies,
    data,
    divergence,
    gradients,
    labels,
    leakage,
    learning_rate,
    loader,
    progress,
    result,
    setup_loop,
    setup_model,
    setup_output,
    shift,
    targets,
)
from convergent.types import Finding

RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    *data.RULES,
    *targets.RULES,
    *shift.RULES,
    *labels.RULES,
    *copies.RULES,
    *leakage.RULES,
    *loader.RULES,
    *setup_output.RULES,
    *setup_model.RULES,
    *setup_loop.RULES,
    *gradients.RULES,
    *activations.RULES,
    *learning_rate.RULES,
    *divergence.RULES,
    *progress.RULES,
    *result.RULES,
)

CLIMBING_RULES = (
    *data.RULES,
    *targets.RULES,
    *shift.RULES,
    *labels.RULES,
    *copies.RULES,
    *leakage.RULES,
    *loader.RULES,
    *setup_output.RULES,
    *setup_model.RULES,
    *setup_loop.RULES,
    divergence.divergence,
    *result.RULES,
)
"""What holds where the sign of the loss is wrong: gradients, units and rates then follow from it."""
BEFORE_TRAINING = (
    data.non_finite_values,
    data.constant_feature,
    *labels.RULES,
    *copies.RULES,
    *leakage.RULES,
    *loader.RULES,
    setup_model.samples_mix_in_batch,
    setup_model.future_leak,
)
"""What can be judged of our own runs before the first step: networks of ours scale their inputs and targets."""
WHILE_TRAINING = (
    *gradients.RULES,
    *activations.RULES,
    *learning_rate.RULES,
    *divergence.RULES,
    *progress.RULES,
    setup_model.bad_initialization,
    setup_loop.wrong_mode,
    labels.labels_shuffled,
    result.no_better_than_baseline,
    result.too_good,
    result.stopped_early,
)
"""What can be judged of our own runs while they train, and of their result."""
ADVERSARIAL_RULES = (
    data.non_finite_values,
    gradients.non_finite,
    setup_output.output_loss_mismatch,
    setup_model.bad_initialization,
    setup_model.parameters_not_trained,
    activations.dying_relu,
    divergence.without_bound,
)
"""What holds where several models train against each other: their losses need not fall, nor are their inputs data."""
LOOSE_RULES = (
    setup_loop.missing_zero_grad,
    setup_model.bad_initialization,
    gradients.non_finite,
    gradients.vanishing_gradient,
    divergence.divergence,
)
"""What holds of weights without modules, of which losses and gradients alone are seen."""
