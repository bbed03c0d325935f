"""The doctor on a training that may be treated: what it sees at a moment is a function of the training alone.

No experiment here trains, and none has a deadline: two runs of the same training must come to the same findings.
Trials of remedies take the place of the doctor's trials of learning rates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from convergent.doctor.chunks import make_chunk
from convergent.doctor.diagnose import judge, make_subject
from convergent.doctor.evaluations import evaluations_of
from convergent.doctor.experiments import attempt, own_randomness
from convergent.doctor.experiments.chance import chance_loss
from convergent.doctor.experiments.dependence import doubled_batch, samples_mix
from convergent.doctor.experiments.modes import permuted_losses
from convergent.doctor.hashes import hash_samples
from convergent.doctor.probe import Probe
from convergent.doctor.record import Evaluation, Evidence, LossKind, SampleSet
from convergent.doctor.statistics import failed, skill, skill_error
from convergent.doctor.watch import Watch
from convergent.engine.evaluate import outputs_of
from convergent.engine.state import TrainState
from convergent.treat.chosen import ChosenSamples
from convergent.treat.patient import Patient
from convergent.types import EvalRecord, Finding, Samples, StepRecord

MOST_TRAIN, MOST_VALID = 4096, 2048
MOST_EVALUATED = 1024
SHOWS_HARM = frozenset(
    {
        "data/train-val-leakage",
        "data/class-imbalance",
        "data/preprocessing-mismatch",
        "data/too-few-samples",
        "result/class-collapse",
        "result/no-better-than-baseline",
        "result/train-eval-gap",
        "training/overfitting",
    }
)
"""Warnings whose rules look for harm in evaluated samples themselves."""
SLOW = frozenset(
    {
        "data/too-few-samples",
        "result/class-collapse",
        "result/no-better-than-baseline",
        "training/constant-output",
        "training/overfitting",
        "training/slow-convergence",
        "training/underfitting",
    }
)
FIRST_SHARE = 0.25
"""Before a quarter of the training, not to have learned much is normal."""
JUST_LEARNED = 1 / 3
"""Nor is it where so much of what validation shows was learned since the look before: it is in the midst of it."""
OF_ITS_COURSE = frozenset(
    {
        "training/divergence",
        "training/exploding-gradient",
        "training/loss-spike",
        "training/non-finite",
        "training/overfitting",
    }
)
"""What can be said of a training that was not seen from its first step: it knows nothing of the weights' start."""


class Consultant:
    """Watches one training and says, when asked, what is wrong with it; an observer of the loop."""

    def __init__(self, state: TrainState, patient: Patient) -> None:
        self._patient, self._state = patient, state
        self._from_start = state.progress.step == 0
        self._losses: list[Tensor] = []
        self._evaluations: list[Evaluation] = []
        self._watch = Watch(evaluations=False)
        self._watch.add_model(state.model)
        for optimizer in state.optimizers:
            self._watch.add_optimizer(optimizer)

    def after_backward(self, step: int) -> None:
        """Do nothing: the watch sees gradients by itself."""

    def after_step(self, record: StepRecord) -> None:
        """Keep the loss, which stays on the device."""
        self._losses.append(record.loss)

    def after_evaluation(self, record: EvalRecord) -> None:
        """Do nothing: when it is asked, it evaluates both splits by itself, with the error of their samples."""

    def pause(self) -> None:
        """See nothing until the training goes on."""
        self._watch.pause()

    def close(self) -> None:
        """Take all hooks off."""
        self._watch.close()

    def findings(self) -> list[Finding]:
        """Return what is wrong by now, causes first."""
        self.pause()
        probes = self._watch.probes
        if self._watch.failure or not probes:
            return []
        evidence = self._evidence(probes[0])
        with own_randomness():
            self._experiments(probes[0], evidence)
        early = self._state.progress.step < FIRST_SHARE * self._state.progress.total_steps
        early = early or just_learned(evidence.evaluations)
        found = harmful(judge(evidence), failed(evidence), early)
        return found if self._from_start else [one for one in found if one.code in OF_ITS_COURSE]

    def _evidence(self, probe: Probe) -> Evidence:
        evidence = probe.finish()
        evidence.losses = torch.stack(self._losses).float().tolist() if self._losses else []
        evidence.steps_per_epoch = self._patient.batches.steps_per_epoch
        data, known = evidence.data, evidence.data.train
        data.train = some_samples(self._patient.train, MOST_TRAIN, known)
        data.valid = some_samples(self._patient.valid, MOST_VALID, None)
        if data.train.hashes and data.valid.hashes:
            seen = set(data.train.hashes)
            data.overlap = sum(value in seen for value in data.valid.hashes) / len(data.valid.hashes)
        before = [one for one in self._evaluations if one.step < len(self._losses)]
        self._evaluations = [*before, *self._evaluated(evidence)]
        evidence.evaluations = list(self._evaluations)
        return evidence

    def _evaluated(self, evidence: Evidence) -> list[Evaluation]:
        """Return how training and validation samples are answered now, which tells overfitting from failing."""
        kind = evidence.data.loss.kind if evidence.data.loss is not None else "other"
        tries = [attempt(lambda: self._evaluation("train", kind)), attempt(lambda: self._evaluation("valid", kind))]
        return [one for one in tries if one is not None]

    def _evaluation(self, split: Literal["train", "valid"], kind: LossKind) -> Evaluation:
        samples = self._patient.train if split == "train" else self._patient.valid
        some = ChosenSamples(samples, spread(len(samples), MOST_EVALUATED))
        device = self._patient.recipe.device
        outputs, targets = outputs_of(self._state.evaluated(), some, 2 * self._patient.batch_size, device)
        chunk = make_chunk(len(self._losses), outputs, targets, kind, training_mode=False)
        return replace(evaluations_of([chunk], set())[0], split=split)

    def _experiments(self, probe: Probe, evidence: Evidence) -> None:
        found = evidence.experiments
        found.chance_loss = attempt(lambda: chance_loss(evidence))
        found.initial_loss = evidence.losses[0] if evidence.losses else None
        subject = make_subject(probe) if probe.tape is not None and probe.ring.batches else None
        if subject is None:
            return
        final = {name: value.clone() for name, value in subject.model.state_dict().items()}
        modes = {module: module.training for module in subject.model.modules()}
        tries: list[Callable[[], dict[str, Any]]] = [
            lambda: {"samples_mix": samples_mix(subject)},
            lambda: {"doubled_batch_ratio": doubled_batch(subject)},
            lambda: permuted_losses(subject),
        ]
        for one in tries:
            with torch.enable_grad():
                for name, value in (attempt(one) or {}).items():
                    setattr(found, name, value)
            subject.model.load_state_dict(final)
            for module, mode in modes.items():
                module.training = mode


def some_samples(samples: Samples, most: int, known: SampleSet | None) -> SampleSet:
    """Return up to `most` samples, evenly spread, as the rules read them."""
    indices = spread(len(samples), most)
    batch = samples.batch(indices)
    inputs = batch.inputs[0]
    hashes = hash_samples(inputs) if inputs.is_floating_point() or not inputs.is_complex() else []
    whole = len(indices) == len(samples)
    sizes = [len(indices)]
    return SampleSet(inputs.float() if inputs.dtype == torch.uint8 else inputs, batch.targets, sizes, hashes, whole,
                     len(samples), with_replacement=bool(known and known.with_replacement))  # fmt: skip


def spread(count: int, most: int) -> np.ndarray:
    """Return up to `most` of `count` indices, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def just_learned(evaluations: Sequence[Evaluation]) -> bool:
    """Return whether a good part of what validation shows was learned since the look before."""
    mine = [one for one in evaluations if one.split == "valid"]
    before, now = (skill(one) for one in mine[-2:]) if len(mine) > 1 else (None, None)
    if before is None or now is None:
        return False
    return now - max(before, 0.0) > max(skill_error(mine[-1]), JUST_LEARNED * now)


def harmful(findings: Sequence[Finding], fails: bool, early: bool) -> list[Finding]:
    """Return the findings that can be a reason to treat: critical ones, and warnings of harm that was measured.

    A warning of how a training looks (a loss that swings, activations at their ends) counts only where it fails; that
    little was learned, or some classes not yet, says nothing early.
    """
    slow = SLOW if early else frozenset()
    if any(one.code == "data/class-imbalance" for one in findings):
        slow = slow - {"result/class-collapse"}  # of unequal classes the rare ones are not just late
    counted = [one for one in findings if one.severity == "critical" or fails or one.code in SHOWS_HARM]
    return [one for one in counted if one.severity == "critical" or one.code not in slow]
