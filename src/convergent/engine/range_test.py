"""The learning-rate range test: raise the rate from step to step on a copy and look where the loss falls fastest.

Smith 2017, Cyclical Learning Rates for Training Neural Networks, https://arxiv.org/abs/1506.01186
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from torch import nn

from convergent.data.loader import TrainingBatches
from convergent.engine.plan import Plan, make_state, planned
from convergent.engine.step import EagerStep, Recipe

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 100
SMOOTHING = 0.8
DIVERGED = 3.0


def range_test(
    model: nn.Module, recipe: Recipe, batches: TrainingBatches, plan: Plan
) -> tuple[float, list[list[float]]]:
    """Return (learning rate, [[rate, smoothed loss], ...]); the model is not changed."""
    config = recipe.config.model_copy(update={"learning_rate": 1.0, "ema": 0.0})
    recipe = planned(replace(recipe, config=config), plan)
    step = EagerStep(make_state(copy.deepcopy(model), recipe, plan), recipe)
    curve: list[list[float]] = []
    average, lowest = 0.0, math.inf
    for index, (_, batch) in enumerate(islice(batches.from_step(0), STEPS)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (index / (STEPS - 1))
        loss = step(batch, index, rate, 0.0)[0].item()
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed = average / (1 - SMOOTHING ** (index + 1))
        if not math.isfinite(smoothed) or smoothed > DIVERGED * lowest:
            break
        lowest = min(lowest, smoothed)
        curve.append([rate, smoothed])
    return steepest(curve), curve


def steepest(curve: Sequence[Sequence[float]]) -> float:
    """Return the rate at which the loss falls fastest per factor of the rate, before its minimum.

    >>> steepest([[1e-3, 2.0], [1e-2, 1.9], [1e-1, 1.2], [1.0, 0.6], [10.0, 3.0]])
    0.1
    """
    losses = [loss for _, loss in curve]
    end = losses.index(min(losses)) if losses else 0
    if end < 2:
        return LOWEST * 10
    slopes = [losses[i + 1] - losses[i - 1] for i in range(1, end)]
    return float(curve[1 + slopes.index(min(slopes))][0])
