"""Short trainings of the copy from its first weights: one batch alone, and other learning rates.

Karpathy 2019 (overfit one batch); Smith 2017, https://arxiv.org/abs/1506.01186 (learning-rate range test).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch

from convergent.doctor.subject import Example, Subject
from convergent.memory import give_back_freed_memory

MOST_STEPS = 300
RATE_STEPS = 40
FEWEST_STEPS = 10
TIMED_STEPS, AT_LEAST = 2, 3
"""Rates that shall be tried even where a step takes long: with fewer steps then."""
FRESH = 2
"""Batches that are not trained on."""
FACTORS = (0.1, 1.0, 10.0, 100.0, 1e-2, 1e3, 1e-3, 1e4)


def train_copy(
    subject: Subject, examples: list[Example], factor: float, steps: int, go_on: Callable[[], bool]
) -> list[float]:
    """Return the losses of up to `steps` steps from the first weights; the last is infinite where training breaks."""
    give_back_freed_memory()
    subject.to_start()
    subject.model.train()
    optimizer = subject.make_optimizer(subject.model, factor)
    losses: list[float] = []
    for step in range(steps):
        several = [examples[(step * subject.accumulates + k) % len(examples)] for k in range(subject.accumulates)]

        def closure(several: list[Example] = several) -> Any:
            optimizer.zero_grad()
            for example in several:
                loss = subject.loss_of(example)
                loss.backward()
            return loss

        loss: Any = optimizer.step(closure)
        losses.append(float(loss.detach()) if loss is not None else math.nan)
        if not math.isfinite(losses[-1]):
            return [*losses, math.inf]
        if not go_on():
            break
    return losses


def overfit_batch(subject: Subject, deadline: float) -> dict[str, Any]:
    """Return the loss on one batch before and after training on it alone."""
    if subject.initial_state is None:
        return {}
    losses = train_copy(subject, subject.train_batches[:1], 1.0, MOST_STEPS, lambda: time.thread_time() < deadline)
    if len(losses) < MOST_STEPS // 3 and math.isfinite(losses[-1]):
        return {}
    return {"overfit_start": losses[0], "overfit_end": losses[-1]}


def rates(subject: Subject, deadline: float) -> dict[str, Any]:
    """Return losses after a few steps at several multiples of the user's learning rate, from the same first weights."""
    if subject.initial_state is None:
        return {}
    rate = max(float(group["lr"]) for group in subject.make_optimizer(subject.model, 1.0).param_groups)
    ends: dict[float, float] = {}
    started, budget = time.thread_time(), 0.6 * (deadline - time.thread_time())
    train_copy(subject, subject.train_batches, 1.0, TIMED_STEPS, lambda: True)
    most = int(budget / AT_LEAST * TIMED_STEPS / max(1e-9, time.thread_time() - started))
    steps = max(FEWEST_STEPS, min(RATE_STEPS // subject.accumulates, most))
    train, fresh = subject.train_batches[:-FRESH], subject.train_batches[-FRESH:]
    if len(train) < FRESH:
        train, fresh = subject.train_batches, []
    reached: dict[float, float] = {}
    for factor in FACTORS:
        if time.thread_time() - started > budget:
            break
        losses = train_copy(subject, train, factor, steps, lambda: time.thread_time() < deadline)
        if len(losses) < steps and math.isfinite(losses[-1]):
            break
        tail = losses[-len(train) :]
        ends[factor] = sum(tail) / len(tail)
        if fresh and math.isfinite(ends[factor]):
            with torch.no_grad():
                reached[factor] = sum(float(subject.loss_of(example)) for example in fresh) / FRESH
    best = min(ends, key=lambda factor: ends[factor], default=1.0)
    # A high rate may only learn a few batches by heart, as embeddings of users do: fresh ones tell.
    on_fresh = best != 1.0 and best in reached and 1.0 in reached
    return {
        "range_test": sorted((factor * rate, loss) for factor, loss in ends.items()),
        "tenth_rate_loss": ends.get(0.1),
        "same_rate_loss": ends.get(1.0),
        "higher_rate_loss": ends.get(10.0),
        "fresh_same_loss": reached[1.0] if on_fresh else None,
        "fresh_best_loss": reached[best] if on_fresh else None,
    }
