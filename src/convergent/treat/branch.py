"""A branch: a patient that trains, from its first step or from a state, on batches and random numbers of its own step.

Two branches of one training get the same batches and draws at the same steps, for both are functions of the seed and
the step alone: what differs between them is the remedy.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convergent.data.loader import TrainingBatches
from convergent.engine.evaluate import outputs_of
from convergent.engine.plan import Plan, make_state, planned
from convergent.engine.state import TrainState, copied
from convergent.engine.step import EagerStep, Recipe
from convergent.optim import schedule_factor
from convergent.treat.patient import Patient, Watcher
from convergent.types import StepRecord

BEST = "best."
"""Before the names of the best weights so far, among a snapshot's tensors."""
Outputs = tuple[Tensor, Tensor]
"""Of the validation samples, and their targets."""


@dataclass
class Branch:
    """A patient under way: its state, and how far it has come."""

    patient: Patient
    plan: Plan
    state: TrainState
    total_steps: int
    consultant: Watcher
    start: Snapshot | None = None
    """The state from which it trained; None for its first step."""

    @property
    def recipe(self) -> Recipe:
        """The patient's recipe in the plan's precision."""
        return planned(self.patient.recipe, self.plan)

    def advance(self, to_step: int) -> bool:
        """Train up to `to_step`; return False where the loss was not finite, or the step can't be made."""
        progress = self.state.progress
        batches: TrainingBatches = self.patient.batches
        step = EagerStep(self.state, self.recipe)
        losses: list[Tensor] = []
        if progress.step >= to_step:
            return True
        for epoch, batch in batches.from_step(progress.step):
            factor = schedule_factor(self.patient.config, progress.step, self.total_steps)
            loss, norm = step(batch, progress.step, factor, progress.step / self.total_steps)
            progress.step += 1
            losses.append(loss)
            self.consultant.after_step(StepRecord(progress.step, epoch, loss, norm, factor, len(batch.targets)))
            if progress.step >= to_step:
                break
        self.consultant.pause()
        return bool(torch.isfinite(torch.stack(losses[-8:])).all())

    def outputs(self) -> Outputs:
        """Return the outputs for the validation samples, and their targets."""
        self.consultant.pause()
        return validation_outputs(self.state, self.patient, self.plan)


def validation_outputs(state: TrainState, patient: Patient, plan: Plan) -> Outputs:
    """Return the outputs of a training's network for the validation samples, and their targets."""
    device = patient.recipe.device
    return outputs_of(state.evaluated(), patient.valid, 2 * patient.batch_size, device, plan.precision)


@dataclass(frozen=True)
class Snapshot:
    """A training as it stood when nothing was wrong with it: what a fault that came later is treated from."""

    patient: Patient
    step: int
    tensors: dict[str, Tensor]
    scalars: dict[str, Any]


def snapshot(branch: Branch) -> Snapshot:
    """Return a copy of a branch's state in memory."""
    state = branch.state
    best = {f"{BEST}{name}": tensor for name, tensor in (state.best_weights or {}).items()}
    tensors = copied(state.tensors() | best)
    return Snapshot(branch.patient, state.progress.step, tensors, copy.deepcopy(state.scalars()))


def begin_from(state: TrainState, patient: Patient, start: Snapshot) -> None:
    """Bring a training to where another stood: an optimiser of another kind begins without its moments."""
    same = _optimizer_kind(patient) == _optimizer_kind(start.patient)
    best = {name.removeprefix(BEST): tensor for name, tensor in start.tensors.items() if name.startswith(BEST)}
    dropped = (BEST,) if same else (BEST, "optimizer.")
    kept = {name: tensor for name, tensor in start.tensors.items() if not name.startswith(dropped)}
    state.restore(copied(kept), copy.deepcopy(start.scalars))
    state.best_weights = copied(best) or None


def can_begin_from(patient: Patient, start: Snapshot) -> bool:
    """Return whether a treated training can begin from a state: its network is the same, and so is its pace."""
    same = {name: tuple(p.shape) for name, p in start.patient.model.state_dict().items()}
    mine = {name: tuple(p.shape) for name, p in patient.model.state_dict().items()}
    redrawn = any(
        not torch.equal(value, patient.model.state_dict()[name].to(value.device))
        for name, value in start.patient.model.state_dict().items()
        if name in mine and mine == same
    )
    return mine == same and repr(patient.model) == repr(start.patient.model) and not redrawn and patient.pace == 1.0


def new_branch(patient: Patient, plan: Plan, total_steps: int, start: Snapshot | None = None) -> Branch:
    """Return a patient at its first step, or at a state."""
    recipe = planned(patient.recipe, plan)
    state = make_state(copy.deepcopy(patient.model), recipe, plan)
    if start is not None:
        begin_from(state, patient, start)
    state.progress.total_steps = total_steps
    return Branch(patient, plan, state, total_steps, patient.watch(state, patient), start)


def _optimizer_kind(patient: Patient) -> object:
    own = patient.own
    return patient.config.optimizer if own is None else (own.kind, tuple(group.names for group in own.groups))
