"""Which remedies answer which finding, in the order in which they are tried.

What can't be repaired from outside the user's code (shuffled labels, a reshape that mixes samples, a missing mask) has
none: it is said, with where to look.
"""

from __future__ import annotations

from convergent.treat.remedies.amount import AUGMENTED, LARGER_BATCH, LESS_REGULARISED, SMALLER, SMALLER_BATCH
from convergent.treat.remedies.losses import CLASS_WEIGHTED, MEAN_LOSS, RIGHT_LOSS, SMOOTHED
from convergent.treat.remedies.network import (
    ACTIVATIONS_BETWEEN,
    BARE_OUTPUT,
    CALM_START,
    GATED,
    GROUP_NORM,
    INITIALISED,
    LEAKY,
    NORMALISED_LAYERS,
    NORMALISED_RECTIFIED,
    RECTIFIED,
    RESIDUAL,
    TRAINABLE_ALL,
    WIDER,
    dropout,
)
from convergent.treat.remedies.poison import WITHOUT_BATCH, WITHOUT_POISON
from convergent.treat.remedies.preparation import (
    FINITE_ROWS,
    RESAMPLED,
    RESPLIT,
    SCALED_TARGETS,
    STANDARDISED,
    WITHOUT_COPIES,
)
from convergent.treat.remedies.remedy import Remedy
from convergent.treat.remedies.steps import (
    ADAMW,
    CLIPPED,
    FITTED_RATE,
    REGISTERED,
    USUAL_MOMENTUM_REMEDY,
    WARMED_UP,
    decay,
    scaled_rate,
    task_default,
)

DEFAULT_RATE = task_default("learning_rate", "optimizer", "schedule", "warmup", "momentum")
DEFAULT_NETWORK = task_default("activation", "depth", "width", "dropout")
LOWER = (scaled_rate(0.1), scaled_rate(0.01), scaled_rate(1e-3))
HIGHER = (scaled_rate(10.0), scaled_rate(100.0))
SIZE_OF_STEPS = (DEFAULT_RATE, *ADAMW)
SIGNAL = (
    DEFAULT_NETWORK, GATED, RECTIFIED, NORMALISED_RECTIFIED, INITIALISED, RESIDUAL, NORMALISED_LAYERS, *SIZE_OF_STEPS,
)  # fmt: skip
GENERAL = (
    LESS_REGULARISED, STANDARDISED, RIGHT_LOSS, *SIZE_OF_STEPS, INITIALISED, RECTIFIED, SCALED_TARGETS, DEFAULT_NETWORK,
    WIDER,
)  # fmt: skip
"""Good practice, for a training that fails for reasons that have not been named."""

TREATS: dict[str, tuple[Remedy, ...]] = {
    "data/non-finite-values": (FINITE_ROWS, WITHOUT_POISON),
    "data/inputs-not-normalized": (WITHOUT_POISON, STANDARDISED),
    "data/targets-not-scaled": (WITHOUT_POISON, SCALED_TARGETS),
    "data/class-imbalance": (CLASS_WEIGHTED, RESAMPLED),
    "data/duplicate-samples": (WITHOUT_COPIES,),
    "data/train-val-leakage": (RESPLIT,),
    "data/label-noise": (SMOOTHED, dropout(0.3), decay(0.01)),
    "data/preprocessing-mismatch": (STANDARDISED,),
    "data/too-few-samples": (AUGMENTED, dropout(0.3), SMALLER, SMOOTHED, decay(0.05)),
    "setup/loss-at-init": (CALM_START, INITIALISED),
    "setup/output-loss-mismatch": (RIGHT_LOSS, BARE_OUTPUT),
    "setup/output-range": (BARE_OUTPUT, RIGHT_LOSS, SCALED_TARGETS),
    "setup/input-ignored": GENERAL,
    "setup/cannot-overfit-batch": GENERAL,
    "setup/bad-initialization": (INITIALISED, RECTIFIED, NORMALISED_LAYERS),
    "setup/parameters-not-trained": (TRAINABLE_ALL, REGISTERED),
    "setup/loss-reduction": (MEAN_LOSS, *HIGHER, ADAMW[1]),
    "setup/missing-nonlinearity": (ACTIVATIONS_BETWEEN,),
    "setup/learning-rate-out-of-range": (*SIZE_OF_STEPS, *LOWER[:2], *HIGHER),
    "training/non-finite": (WITHOUT_POISON, DEFAULT_RATE, *LOWER, STANDARDISED, CLIPPED, INITIALISED, ADAMW[1]),
    "training/vanishing-gradient": SIGNAL,
    "training/exploding-gradient": (
        CLIPPED,
        WITHOUT_POISON,
        DEFAULT_RATE,
        *LOWER[:2],
        GATED,
        INITIALISED,
        NORMALISED_LAYERS,
        ADAMW[1],
    ),
    "training/dying-relu": (LEAKY, INITIALISED, DEFAULT_RATE, LOWER[0], STANDARDISED, ADAMW[1]),
    "training/saturated-activations": (STANDARDISED, RECTIFIED, INITIALISED, DEFAULT_NETWORK, NORMALISED_LAYERS),
    "training/learning-rate-too-high": (DEFAULT_RATE, FITTED_RATE, ADAMW[1], *LOWER, USUAL_MOMENTUM_REMEDY, CLIPPED),
    "training/learning-rate-too-low": (DEFAULT_RATE, FITTED_RATE, *ADAMW, *HIGHER),
    "training/oscillating-loss": (DEFAULT_RATE, LOWER[0], USUAL_MOMENTUM_REMEDY, LARGER_BATCH, ADAMW[1], WARMED_UP),
    "training/loss-spike": (WITHOUT_POISON, WITHOUT_BATCH, CLIPPED, LOWER[0], WARMED_UP, DEFAULT_RATE),
    "training/divergence": (
        WITHOUT_POISON,
        DEFAULT_RATE,
        *LOWER,
        ADAMW[1],
        CLIPPED,
        USUAL_MOMENTUM_REMEDY,
        INITIALISED,
    ),
    "training/batch-size": (ADAMW[1], LARGER_BATCH),
    "training/slow-convergence": (*SIZE_OF_STEPS, SMALLER_BATCH, *HIGHER, STANDARDISED, INITIALISED),
    "training/constant-output": GENERAL,
    "training/overfitting": (AUGMENTED, dropout(0.3), dropout(0.5), SMALLER, decay(0.05), SMOOTHED),
    "training/underfitting": (decay(0.0), dropout(0.0), WIDER, *GENERAL),
    "training/regularization-dominates": (decay(0.0), DEFAULT_RATE, dropout(0.0)),
    "result/no-better-than-baseline": GENERAL,
    "result/class-collapse": (CLASS_WEIGHTED, RESAMPLED, *GENERAL),
    "result/train-eval-gap": (GROUP_NORM, dropout(0.1)),
}
