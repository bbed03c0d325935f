"""The training loop, top to bottom: batch, step, record, now and then adjust, evaluate and save.

A task that needs another step replaces `Task.step`; what watches is handed records and can change nothing.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from convergent.config import Config, nearest
from convergent.data.loader import TrainingBatches
from convergent.engine.budget import adjusted_total
from convergent.engine.checkpoint import Part, checkpoints, prune, write_checkpoint
from convergent.engine.state import TrainState
from convergent.engine.step import StepFunction
from convergent.optim import schedule_factor
from convergent.types import EvalRecord, Observer, StepRecord, UserError

CHECKPOINT_SECONDS = 30.0
CHECKPOINT_SHARE = 0.02
MOMENTS = 50
Ending = Literal["finished", "early stopping", "interrupted", "paused"]


class DivergedError(UserError):
    """The validation loss is no longer finite: going on as it is would be of no use."""


@dataclass
class Clock:
    """The time of a run over all its parts: what earlier parts took, and what this one has taken."""

    earlier: float
    started: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Return the seconds that the run has taken so far."""
        return self.earlier + time.monotonic() - self.started


@dataclass(frozen=True)
class Training:
    """What the loop needs besides the state: all of it fixed before the first step."""

    config: Config
    batches: TrainingBatches
    step: StepFunction
    evaluate: Callable[[], dict[str, float]]
    """Metrics of the validation split for the weights as they are now."""
    monitored: str
    higher_is_better: bool
    evaluate_every: int
    observers: Sequence[Observer]
    folder: Path | None
    """Where checkpoints go; None keeps none."""
    clock: Clock
    most_steps: int | None
    """What was asked for, where a time limit may only shorten it."""
    profile: tuple[float, ...] = ()
    """How the cost of a step changes over the training, as the plan measured it."""
    reserve_seconds: float = 0.0
    """What is needed after the last step beside evaluations: results and report."""
    final_evaluations: float = 0.0
    """What is evaluated after the last step, in units of the validation split."""
    beside: Callable[[], Part] | None = None
    """What stands in a checkpoint beside the state of the training."""
    pause_at: int | None = None
    """The step after which the loop returns, to be called again; None for none."""


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set, so that the step under way ends and a checkpoint is saved."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def train(state: TrainState, training: Training) -> Ending:
    """Train until the schedule ends, patience does, or somebody interrupts; the best weights are in the state.

    Raises DivergedError where the validation loss is no longer finite, with the step.
    """
    config, progress = training.config, state.progress
    saver = _Saver(state, training)
    with interruptible() as stop:
        for epoch, batch in training.batches.from_step(progress.step):
            if progress.step >= progress.total_steps:
                break
            share = progress.step / progress.total_steps
            factor = schedule_factor(config, progress.step, progress.total_steps) * progress.plateau_scale
            loss, norm = training.step(batch, progress.step, factor, share)
            progress.step += 1
            rate = state.optimizers[0].param_groups[0]["initial_lr"] * factor
            record = StepRecord(progress.step, epoch, loss, norm, rate, len(batch.targets))
            for observer in training.observers:
                observer.after_step(record)
            last = progress.step >= progress.total_steps
            if last or progress.step % training.evaluate_every == 0:
                _evaluate(state, training, epoch)
                saver.due = saver.due or last
                if config.early_stopping and progress.evaluations_since_best >= config.early_stopping:
                    saver.save()
                    return "early stopping"
            if config.time_limit is not None:
                _keep_to_time(state, training)
            saver.after_step(stop.is_set())
            if stop.is_set():
                return "interrupted"
            if progress.step == training.pause_at:
                return "paused"
    return "finished"


def _evaluate(state: TrainState, training: Training, epoch: int) -> None:
    started = time.perf_counter()
    metrics = training.evaluate()
    if not math.isfinite(metrics.get("loss", 0.0)):
        raise DivergedError(
            f"step {state.progress.step}: the validation loss is {metrics['loss']}: the training has diverged. "
            "Lower --learning-rate or set --clip-norm 1."
        )
    if training.monitored not in metrics:
        raise UserError(
            f"--monitor {training.monitored}: there is no such metric."
            f"{nearest(training.monitored, list(metrics))} There are {', '.join(metrics)}."
        )
    best = state.note_evaluation(metrics[training.monitored], training.higher_is_better, training.config)
    seconds = time.perf_counter() - started
    state.progress.evaluation_seconds = seconds
    record = EvalRecord(state.progress.step, epoch, "valid", metrics, training.monitored, best, seconds)
    for observer in training.observers:
        observer.after_evaluation(record)


def _keep_to_time(state: TrainState, training: Training) -> None:
    """Set the total of steps again from the time that the run has really taken; at some moments, not at every step."""
    progress, limit = state.progress, training.config.time_limit
    moment = max(1, progress.total_steps // MOMENTS)
    if limit is None or progress.step % moment or progress.step >= progress.total_steps:
        return
    seconds = training.clock.seconds()
    per_step = (seconds - progress.setup_seconds) / progress.step
    left = limit - seconds - training.reserve_seconds - training.final_evaluations * progress.evaluation_seconds
    total = adjusted_total(progress, left, per_step, training.most_steps, training.profile)
    if total != progress.total_steps:
        progress.total_steps = max(total, progress.step)
        progress.schedule_changes.append([progress.step, progress.total_steps])


class _Saver:
    """When a checkpoint is due: after a while, when asked for, and at the end; never for much of the time."""

    def __init__(self, state: TrainState, training: Training) -> None:
        self.state, self.training = state, training
        self.last = time.monotonic()
        self.cost = 0.0
        self.due = False

    def after_step(self, stopping: bool) -> None:
        every = self.training.config.checkpoint_every
        waited = time.monotonic() - self.last
        by_count = every is not None and self.state.progress.step % every == 0
        by_time = every is None and waited > max(CHECKPOINT_SECONDS, self.cost / CHECKPOINT_SHARE)
        if by_count or by_time or self.due or stopping:
            self.save()

    def save(self) -> None:
        started = time.monotonic()
        self.due = False
        if self.training.folder is None:
            return
        save_state(self.training.folder, self.state, self.training.clock, self.training.beside)
        self.last = time.monotonic()
        self.cost = self.last - started


def save_state(folder: Path, state: TrainState, clock: Clock, beside: Callable[[], Part] | None = None) -> None:
    """Write a checkpoint of the training as it stands, and of its best weights; raises UserError on a full disk."""
    step, best = state.progress.step, state.progress.best_step
    state.progress.elapsed_seconds = clock.seconds()
    known = {path.name for path in checkpoints(folder, "best")}
    if state.best_weights is not None and f"best-{best:08d}" not in known:
        write_checkpoint(folder, "best", best, state.best_weights, {})
    tensors, scalars = beside() if beside is not None else ({}, {})
    write_checkpoint(folder, "step", step, state.tensors() | tensors, state.scalars() | scalars)
    prune(folder)
