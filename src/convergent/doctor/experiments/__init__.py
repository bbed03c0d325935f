"""Experiments on a copy of the model, at the end or between steps: where trying decides better than a signal.

Nothing here changes the program's model or any generator; an experiment that fails or finds no time leaves its numbers
unset.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from convergent.doctor.experiments.chance import chance_loss, floor_loss
from convergent.doctor.experiments.curvature import noise_scale, sharpness
from convergent.doctor.experiments.dependence import (
    attends_over_batch,
    doubled_batch,
    future_leak,
    given_answers,
    is_affine,
    is_causal,
    samples_mix,
    several_inputs,
)
from convergent.doctor.experiments.learning import overfit_batch, rates
from convergent.doctor.experiments.modes import (
    eval_calls_differ,
    mode_losses,
    own_accuracy,
    permuted_losses,
    positives,
)
from convergent.doctor.experiments.penalty import freed_gap, penalty_ratio
from convergent.doctor.experiments.recurrence import hidden_growth, time_ratio
from convergent.doctor.record import Evidence, Experiments
from convergent.doctor.subject import Subject
from convergent.memory import give_back_freed_memory, large_blocks_apart


@contextmanager
def own_randomness() -> Iterator[None]:
    """Leave the generators of torch, numpy and Python as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
    np.random.set_state(numpy_state)
    random.setstate(python_state)


def run_experiments(subject: Subject, deadline: float, evidence: Evidence) -> None:
    """Add to the evidence what is found until `deadline` (of `time.thread_time`), the most telling first."""
    found = evidence.experiments
    found.chance_loss = attempt(lambda: chance_loss(evidence))
    found.floor_loss = attempt(lambda: floor_loss(evidence)) or 0.0
    before = evidence.losses[:3]
    found.initial_loss = before[0] if before else None
    steps: list[tuple[float, Callable[[], Any]]] = [
        (1.0, lambda: set_all(found, samples_mix=samples_mix(subject))),
        (1.0, lambda: set_all(found, attends_over_batch=attends_over_batch(subject))),
        (1.0, lambda: set_all(found, several_inputs=several_inputs(subject))),
        (1.0, lambda: set_all(found, causal=is_causal(subject))),
        (1.0, lambda: set_all(found, given_answers=given_answers(subject))),
        (1.0, lambda: set_all(found, future_leak=future_leak(subject) if found.causal else None)),
        (1.0, lambda: set_all(found, doubled_batch_ratio=doubled_batch(subject))),
        (1.0, lambda: set_all(found, **permuted_losses(subject))),
        (1.0, lambda: set_all(found, eval_calls_differ=eval_calls_differ(subject))),
        (1.0, lambda: set_all(found, own_accuracy=own_accuracy(subject, evidence))),
        (1.0, lambda: set_all(found, positives=positives(subject, evidence))),
        (1.0, lambda: set_all(found, affine=is_affine(subject))),
        (1.0, lambda: set_all(found, penalty_ratio=penalty_ratio(subject))),
        (1.0, lambda: set_all(found, **hidden_growth(subject))),
        (1.0, lambda: set_all(found, time_ratio=time_ratio(subject))),
        (1.0, lambda: set_all(found, noise_scale=noise_scale(subject))),
        (1.0, lambda: set_all(found, sharpness=sharpness(subject, evidence))),
        (0.8, lambda: set_all(found, **mode_losses(subject))),
        (0.8, lambda: set_all(found, freed_gap=freed_gap(subject, found, deadline))),
        (0.6, lambda: set_all(found, **rates(subject, deadline))),
        (0.3, lambda: set_all(found, **overfit_batch(subject, deadline))),
    ]
    started = time.thread_time()
    was_training = {module: module.training for module in subject.model.modules()}
    # Those of the program's model need no memory of their own.
    final = subject.final_state or {name: value.clone() for name, value in subject.model.state_dict().items()}
    with own_randomness(), large_blocks_apart():
        for share, step in steps:
            if time.thread_time() > started + (deadline - started) * max(share, 0.3):
                continue
            give_back_freed_memory()
            with torch.enable_grad():
                attempt(step)
            subject.model.load_state_dict(final, strict=False)
            subject.model.zero_grad(set_to_none=True)
            for module, training in was_training.items():
                module.training = training
    give_back_freed_memory()  # the rules come next


def set_all(found: Experiments, **values: Any) -> None:
    """Set several numbers at once."""
    for name, value in values.items():
        setattr(found, name, value)


def attempt(step: Callable[[], Any]) -> Any:
    """Return what a step returns, or None where it can't be done on this model."""
    try:
        return step()
    except Exception:  # a user's model may do anything; what can't be tried is left unknown
        return None
