"""Our own runs under treatment: remedies are options, trials survive a kill, and what is kept becomes the run's config.

    RUN/treatment.json       what was decided, and a trial that had begun
    RUN/treatment/           outputs for the validation samples at the marks that the training has passed

A trial is a function of what stands there and of the checkpoint at its step: a run that is killed within one makes it
again, to the same end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from convergent.config import Config, write_yaml
from convergent.data.order import derived_seed
from convergent.engine.checkpoint import pack, write_bytes
from convergent.engine.loop import DivergedError, save_state
from convergent.engine.plan import Plan
from convergent.engine.state import TrainState
from convergent.examine import RunDoctor, Tell
from convergent.prepare import Prepared
from convergent.results import write_json
from convergent.treat.ask import ask_on_terminal
from convergent.treat.branch import Branch, new_branch
from convergent.treat.patient import Parts, Patient, Tasks, Watcher
from convergent.treat.remedies.preparation import ChosenSamples
from convergent.treat.treatment import Pending, Treatment, marks_of
from convergent.types import Finding, Samples

FEWEST_STEPS = 20
MOST_OUTPUTS = 1 << 26
"""Numbers of the validation samples' outputs that are kept at a mark."""
FILE, FOLDER = "treatment.json", "treatment"


def own_patient(prepared: Prepared, plan: Plan, tell: Tell) -> Patient:
    """Return one of our own trainings as a patient: it is built again from changed options."""
    task, splits, device = prepared.task, prepared.splits, prepared.recipe.device

    def build(config: Config) -> Parts:
        torch.manual_seed(derived_seed(config.seed, "init"))
        model: nn.Module = task.build(splits.spec, config).to(device)
        loss = task.loss(splits.spec, config)
        if isinstance(loss, nn.Module):
            loss.to(device)
        return model, loss, task.augment(splits.spec, config)

    def defaults(config: Config) -> Config:
        return task.defaults(splits.spec, config)

    def watch(state: TrainState, patient: Patient) -> Watcher:
        return RunDoctor(state, splits, patient.config, plan.compiled, tell)

    return Patient(
        build(prepared.config)[0], prepared.recipe, splits.train, few_enough(splits.valid, prepared.model),
        prepared.batches.batch_size, watch,
        tasks=Tasks(build, defaults),
    )  # fmt: skip


@torch.no_grad()
def few_enough(samples: Samples, model: nn.Module) -> Samples:
    """Return the samples, or of many with large outputs (logits of every token) as many as the memory can hold."""
    inputs = samples.batch(np.zeros(1, np.int64)).inputs
    device = next(model.parameters()).device
    was_training = model.training
    outputs: Tensor = model.eval()(*(part.to(device) for part in inputs))
    model.train(was_training)
    most = max(1, MOST_OUTPUTS // outputs.numel())
    if len(samples) <= most:
        return samples
    return ChosenSamples(samples, np.unique(np.linspace(0, len(samples) - 1, most).astype(np.int64)))


def prepared_as(prepared: Prepared, branch: Branch) -> Prepared:
    """Return the training made ready as a treatment has changed it."""
    patient = branch.patient
    return replace(
        prepared, config=patient.config, recipe=patient.recipe, batches=patient.batches, model=branch.state.model
    )


class RunTreatment:
    """The treatments of one run, written down as they are decided."""

    def __init__(
        self, prepared: Prepared, state: TrainState, plan: Plan, doctor: Watcher, tell: Callable[[str], None],
        tell_finding: Tell,
    ) -> None:  # fmt: skip
        self.prepared, self.plan, config = prepared, plan, prepared.config
        patient = own_patient(prepared, plan, tell_finding)
        branch = Branch(patient, plan, state, state.progress.total_steps, doctor)
        budget = round(config.treat_budget * branch.total_steps)
        ask = ask_on_terminal if config.treat == "ask" else None
        self.treatment = Treatment(branch, plan, budget, tell, ask, self._before, self._kept)
        self.treatment.marks = marks_of(branch.total_steps, FEWEST_STEPS)
        self._pending: Pending | None = None
        self._began: float | None = None
        self._step_seconds = 0.0
        self._recall()

    def go_on(self) -> None:
        """Make a trial again that a kill has cut off."""
        pending, self._pending = self._pending, None
        if pending is None or pending.at != self.treatment.branch.state.progress.step:
            return
        kept = self.treatment.treat(pending.findings, pending.step, pending.reason)
        self.write(None)
        if pending.reason and not kept:
            raise DivergedError(pending.reason)

    def consulted(self) -> None:
        """Write down what was decided at a mark; what a trial took is no part of a step's time."""
        if self._began is not None:
            progress = self.treatment.branch.state.progress
            progress.setup_seconds += self.prepared.clock.seconds() - self._began
            self._began = None
        self.write(None)

    def _before(self, pending: Pending) -> None:
        """Save what the trial begins from."""
        branch = self.treatment.branch
        save_state(self.prepared.folder / "checkpoints", branch.state, self.prepared.clock)
        self._began, progress = self.prepared.clock.seconds(), branch.state.progress
        self._step_seconds = (self._began - progress.setup_seconds) / max(1, progress.step)
        self.write(pending)

    def _kept(self, branch: Branch) -> Branch:
        """Make the winner the run: its options, its checkpoint; the untreated training's checkpoints go."""
        folder = self.prepared.folder
        if self.plan.compiled:  # one graph and single operations differ in the last bits
            branch = new_branch(branch.patient, self.plan, branch.total_steps)
        progress = branch.state.progress
        # What trials took is no part of a step's time, by which a time limit sets the schedule.
        progress.setup_seconds = self.prepared.clock.seconds() - self._step_seconds * progress.step
        progress.total_steps, self._began = branch.total_steps, None
        self.treatment.branch = branch
        self.write(None)
        become(folder, branch.patient.config)
        save_state(folder / "checkpoints", branch.state, self.prepared.clock)
        return branch

    def write(self, pending: Pending | None) -> None:
        """Write RUN/treatment.json and the outputs at the marks."""
        treatment, folder = self.treatment, self.prepared.folder
        (folder / FOLDER).mkdir(exist_ok=True)
        for mark, (outputs, targets) in treatment.outputs.items():
            path = outputs_path(folder, treatment.told, mark)
            if not path.exists():
                write_bytes(path, pack({"outputs": outputs.contiguous(), "targets": targets.contiguous()}))
        waiting = None
        if pending is not None:
            waiting = pending._asdict() | {"findings": [one.model_dump() for one in pending.findings]}
        content = {
            "config": treatment.branch.patient.config.model_dump(),
            "budget": treatment.budget,
            "failed": treatment.failed,
            "floor": treatment.floor,
            "marks": sorted(treatment.outputs),
            "told": treatment.told,
            "pending": waiting,
        }
        write_json(folder / FILE, content)

    def _recall(self) -> None:
        content = recalled(self.prepared.folder)
        if content is None:
            return
        treatment = self.treatment
        treatment.budget, treatment.failed, treatment.told = content["budget"], content["failed"], content["told"]
        treatment.floor = content["floor"]
        for mark in content["marks"]:
            path = outputs_path(self.prepared.folder, treatment.told, mark)
            tensors = safetensors.torch.load_file(path)
            treatment.outputs[mark] = (tensors["outputs"], tensors["targets"])
        if content["pending"] is not None:
            found = [Finding(**one) for one in content["pending"]["findings"]]
            self._pending = Pending(**{**content["pending"], "findings": found})


def outputs_path(folder: Path, told: list[dict[str, Any]], mark: int) -> Path:
    """Return where the outputs at a mark are kept: each training that was kept has its own."""
    generation = sum(bool(one["kept"]) for one in told)
    return folder / FOLDER / f"{generation}-{mark:08d}.safetensors"


def recalled(folder: Path) -> dict[str, Any] | None:
    """Return what RUN/treatment.json holds, or None where nothing was treated or considered yet."""
    path = folder / FILE
    content: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return content


def become(folder: Path, config: Config) -> None:
    """Make a treated configuration the run's own: checkpoints of the untreated training go first, for they don't fit.

    A kill in between leaves `treatment.json` with the new configuration, and `resume` calls this again.
    """
    shutil.rmtree(folder / "checkpoints")
    (folder / "checkpoints").mkdir()
    write_bytes(folder / "config.yaml", write_yaml(config).encode())
