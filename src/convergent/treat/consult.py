"""The doctor on a training that may be treated: what it sees at a moment is a function of the training alone.

No experiment here trains, and none has a deadline: two runs of the same training must come to the same findings.
Trials of remedies take the place of the doctor's trials of learning rates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convergent.doctor.diagnose import judge, make_subject
from convergent.doctor.experiments import attempt, own_randomness
from convergent.doctor.experiments.chance import chance_loss
from convergent.doctor.experiments.dependence import doubled_batch, samples_mix
from convergent.doctor.experiments.modes import permuted_losses
from convergent.doctor.hashes import hash_samples
from convergent.doctor.probe import Probe
from convergent.doctor.record import Evaluation, Evidence, SampleSet
from convergent.doctor.watch import Watch
from convergent.engine.state import TrainState
from convergent.treat.patient import Patient
from convergent.types import EvalRecord, Finding, Samples, StepRecord

MOST_TRAIN, MOST_VALID = 4096, 2048


class Consultant:
    """Watches one training and says, when asked, what is wrong with it; an observer of the loop."""

    def __init__(self, state: TrainState, patient: Patient) -> None:
        self._patient, self._state = patient, state
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
        """Keep the evaluation."""
        metric = record.metrics.get("accuracy", record.metrics.get("r2"))
        loss, samples = record.metrics.get("loss"), len(self._patient.valid)
        self._evaluations.append(Evaluation(record.step, "valid", samples, loss, metric, False))

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
        return judge(evidence)

    def _evidence(self, probe: Probe) -> Evidence:
        evidence = probe.finish()
        evidence.losses = torch.stack(self._losses).float().tolist() if self._losses else []
        evidence.evaluations = list(self._evaluations)
        evidence.steps_per_epoch = self._patient.batches.steps_per_epoch
        data, known = evidence.data, evidence.data.train
        data.train = some_samples(self._patient.train, MOST_TRAIN, known)
        data.valid = some_samples(self._patient.valid, MOST_VALID, None)
        if data.train.hashes and data.valid.hashes:
            seen = set(data.train.hashes)
            data.overlap = sum(value in seen for value in data.valid.hashes) / len(data.valid.hashes)
        return evidence

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
    indices = np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(np.int64))
    batch = samples.batch(indices)
    inputs = batch.inputs[0]
    hashes = hash_samples(inputs) if inputs.is_floating_point() or not inputs.is_complex() else []
    whole = len(indices) == len(samples)
    sizes = [len(indices)]
    return SampleSet(inputs.float() if inputs.dtype == torch.uint8 else inputs, batch.targets, sizes, hashes, whole,
                     len(samples), with_replacement=bool(known and known.with_replacement))  # fmt: skip
