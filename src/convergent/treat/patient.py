"""A training as a value: all that decides it before its first step. A remedy is a function from one to another.

The reverse of a remedy is the value that it was given: nothing is changed in place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import nn

from convergent.config import Config
from convergent.data.loader import TrainingBatches
from convergent.engine.state import TrainState
from convergent.engine.step import Recipe
from convergent.task import Augment, Loss
from convergent.treat.own_optimizer import OwnOptimizer
from convergent.types import EvalRecord, Finding, Samples, StepRecord


class Watcher(Protocol):
    """What watches one training, and says when asked what is wrong with it; an observer of the loop."""

    def after_backward(self, step: int) -> None:
        """Gradients are there."""
        ...

    def after_step(self, record: StepRecord) -> None:
        """A step was made."""
        ...

    def after_evaluation(self, record: EvalRecord) -> None:
        """The validation split was evaluated."""
        ...

    def findings(self) -> list[Finding]:
        """Return what is wrong by now, causes first."""
        ...

    def pause(self) -> None:
        """See nothing until the training goes on."""
        ...

    def close(self) -> None:
        """Take all hooks off."""
        ...


Parts = tuple[nn.Module, Loss, Augment | None]


@dataclass(frozen=True)
class Change:
    """What a remedy did to a training, and what a user would write to have it from the start."""

    remedy: str
    detail: str
    options: tuple[tuple[str, Any], ...] = ()
    """Of the configuration."""
    code: tuple[str, ...] = ()
    """Lines of Python."""


@dataclass(frozen=True)
class Tasks:
    """How a training of our own is built again from changed options."""

    build: Callable[[Config], Parts]
    defaults: Callable[[Config], Config]
    """Options with every None decided, as the task would for this data."""


@dataclass(frozen=True)
class Patient:
    """A training before its first step.

    model    at its initial weights; copies of it are trained, never itself
    recipe   step, loss, augmentation, options, device, optimisers
    train    what it learns from, in batches of `batch_size`
    valid    what the yardstick reads
    watch    makes the doctor of one training of it
    own      the user's optimiser, where it is not the options'
    tasks    how to build it again, where it is a training of ours
    pace     its steps by those of the training that it was made from, for equally many passes over the data
    """

    model: nn.Module
    recipe: Recipe
    train: Samples
    valid: Samples
    batch_size: int
    watch: Callable[[TrainState, Patient], Watcher]
    own: OwnOptimizer | None = None
    tasks: Tasks | None = None
    changes: tuple[Change, ...] = ()
    pace: float = 1.0

    @property
    def config(self) -> Config:
        """The options."""
        return self.recipe.config

    @property
    def learning_rate(self) -> float:
        """The peak learning rate; infinite where the range test has yet to find it."""
        if self.own is not None:
            return self.own.learning_rate
        rate = self.config.learning_rate
        return rate if isinstance(rate, float) else float("inf")

    @property
    def batches(self) -> TrainingBatches:
        """The endless sequence of its batches."""
        config = self.config
        return TrainingBatches(
            self.train, self.batch_size, config.seed, self.recipe.device, config.workers, config.token_budget
        )

    def noted(self, remedy: str, detail: str, code: tuple[str, ...] = (), **options: Any) -> Patient:
        """Return the patient with a change written down."""
        return replace(self, changes=(*self.changes, Change(remedy, detail, tuple(options.items()), code)))

    def with_options(self, **options: Any) -> Patient:
        """Return the patient with options changed: built again where it is ours, else the step's options alone."""
        if self.tasks is None:
            config = self.config.model_copy(update=options)
            return replace(self, recipe=replace(self.recipe, config=config))
        config = self.tasks.defaults(self.config.model_copy(update=options))
        torch_state = torch.get_rng_state()
        model, loss, augment = self.tasks.build(config)
        torch.set_rng_state(torch_state)
        recipe = replace(self.recipe, config=config, loss=loss, augment=augment)
        return replace(self, model=model, recipe=recipe, batch_size=config.batch_size or self.batch_size)

    def with_own(self, own: OwnOptimizer) -> Patient:
        """Return the patient with another optimiser of the user's."""
        return replace(self, own=own, recipe=replace(self.recipe, optimizers=own))

    def with_loss(self, loss: Loss) -> Patient:
        """Return the patient with another loss."""
        return replace(self, recipe=replace(self.recipe, loss=loss))

    def operated(self, operation: Callable[[nn.Module], nn.Module | None]) -> Patient | None:
        """Return the patient with a copy of its module changed by `operation`; None where that returns None.

        The user's optimiser follows: parameters that stay are found by identity, new ones join its first group.
        """
        memo: dict[int, Any] = {}
        copied = copy.deepcopy(self.model, memo)
        old = {id(memo[id(p)]): name for name, p in self.model.named_parameters() if id(p) in memo}
        changed = operation(copied)
        if changed is None:
            return None
        patient = replace(self, model=changed)
        if self.own is None:
            return patient
        names = {old[id(p)]: name for name, p in changed.named_parameters() if id(p) in old}
        new = [name for name, p in changed.named_parameters() if id(p) not in old]
        return patient.with_own(self.own.renamed(names, new))


Operation = Callable[[nn.Module], nn.Module | None]
