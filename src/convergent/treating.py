"""Our own runs under treatment: remedies are options, trials survive a kill, and what is kept becomes the run's config.

    RUN/treatment.json       what was decided, a trial that had begun, candidates that a later trial may go on with
    RUN/treatment/           outputs for the validation samples at the marks that the training has passed, and the last
                             states in which nothing was wrong

A trial is a function of what stands there and of the checkpoint at its step: a run that is killed within one makes it
again, to the same end. A candidate is a function of its options: of those that are kept for later only these and the
marks that they have passed are written, and the few that are needed after a kill train anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from convergent.config import Config, make_config, write_yaml
from convergent.data.lengths import bounds, lengths_of
from convergent.data.order import derived_seed
from convergent.engine.budget import requested_steps
from convergent.engine.checkpoint import (
    Part,
    checkpoints,
    pack,
    read_checkpoint,
    write_bytes,
    write_checkpoint,
)
from convergent.engine.loop import DivergedError, save_state
from convergent.engine.plan import Plan
from convergent.engine.state import TrainState
from convergent.examine import RunDoctor, Tell
from convergent.prepare import Prepared
from convergent.results import write_json
from convergent.treat.ask import ask_on_terminal
from convergent.treat.branch import Branch, Snapshot, begin_from, new_branch
from convergent.treat.chosen import ChosenSamples
from convergent.treat.patient import Change, Parts, Patient, Tasks, Watcher
from convergent.treat.treatment import Pending, Treatment, marks_of
from convergent.treat.trial import Attempt
from convergent.types import Finding, Samples

FEWEST_STEPS = 20
MOST_OUTPUTS = 1 << 24
"""Numbers of the validation samples' outputs that are kept at a mark."""
SHARE_OF_TRAINING, FEWEST_ANSWERS, FEWEST_SAMPLES = 0.02, 512, 32
"""Of all samples trained on; at five marks a forward pass of them takes a thirtieth of the training."""
FILE, FOLDER, HEALTHY = "treatment.json", "treatment", "healthy"


def own_patient(prepared: Prepared, plan: Plan, tell: Tell, judged_by: int) -> Patient:
    """Return one of our own trainings as a patient: it is built again from changed options.

    judged_by  validation samples that trials are judged by
    """
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
        build(prepared.config)[0], prepared.recipe, splits.train, evenly(splits.valid, judged_by),
        prepared.batches.batch_size, watch,
        tasks=Tasks(build, defaults),
    )  # fmt: skip


@torch.no_grad()
def number_judged_by(prepared: Prepared, plan: Plan) -> int:
    """Return how many validation samples a trial is judged by, which each mark costs.

    Of many with large outputs (logits of every token) as many as the memory can hold; of a short training as many as
    take a small share of it.
    """
    samples, model = prepared.splits.valid, prepared.model
    lengths_N = lengths_of(samples)
    longest = 0 if lengths_N is None else int(bounds(lengths_N).argmax())
    inputs = samples.batch(np.array([longest], np.int64)).inputs
    device = next(model.parameters()).device
    was_training = model.training
    outputs: Tensor = model.eval()(*(part.to(device) for part in inputs))
    model.train(was_training)
    answers = max(1, outputs.numel() // outputs.shape[-1])
    steps = plan.total_steps or requested_steps(prepared.config, prepared.batches.steps_per_epoch) or 0
    trained_on = steps * prepared.batches.batch_size
    affordable = max(FEWEST_ANSWERS // answers, FEWEST_SAMPLES, int(SHARE_OF_TRAINING * trained_on))
    return min(len(samples), max(1, min(affordable, MOST_OUTPUTS // outputs.numel())))


def evenly(samples: Samples, count: int) -> Samples:
    """Return so many of the samples, evenly spread."""
    if count >= len(samples):
        return samples
    return ChosenSamples(samples, np.unique(np.linspace(0, len(samples) - 1, count).astype(np.int64)))


def prepared_as(prepared: Prepared, branch: Branch) -> Prepared:
    """Return the training made ready as a treatment has changed it."""
    patient = branch.patient
    return replace(
        prepared, config=patient.config, recipe=patient.recipe, batches=patient.batches, model=branch.state.model
    )


def beside(branch: Branch) -> Part:
    """Return what stands in a checkpoint beside the state of a training of ours: what its doctor has seen."""
    return cast(RunDoctor, branch.consultant).stored()


class RunTreatment:
    """The treatments of one run, written down as they are decided."""

    def __init__(
        self, prepared: Prepared, state: TrainState, plan: Plan, doctor: Watcher, tell: Callable[[str], None],
        tell_finding: Tell,
    ) -> None:  # fmt: skip
        self.prepared, self.plan, config = prepared, plan, prepared.config
        before = recalled(prepared.folder)  # what is kept may have changed what the number is reckoned from
        self._judged_by = before["judged_by"] if before else number_judged_by(prepared, plan)
        patient = own_patient(prepared, plan, tell_finding, self._judged_by)
        branch = Branch(patient, plan, state, state.progress.total_steps, doctor)
        budget = round(config.treat_budget * branch.total_steps)
        ask = ask_on_terminal if config.treat == "ask" else None
        self.treatment = Treatment(branch, plan, budget, tell, ask, self._before, self._kept, self._healthy)
        self.treatment.marks = marks_of(branch.total_steps, FEWEST_STEPS)
        self.generation = 0
        self._pending: Pending | None = None
        self._began: float | None = None
        self._step_seconds = 0.0
        self._recall()

    def go_on(self) -> None:
        """Make again what a kill has cut off: a trial, or the first checkpoint of what it has kept."""
        branch, floor = self.treatment.branch, self.treatment.floor
        if branch.start is not None and branch.state.progress.step < branch.start.step:
            begin_from(branch.state, branch.patient, branch.start)
        if branch.state.progress.step < floor and not self.plan.compiled:
            branch.advance(floor)
            self._save(branch)
        pending, self._pending = self._pending, None
        if pending is None or pending.at != branch.state.progress.step:
            return
        kept = self.treatment.decide(pending.findings, pending.step, pending.reason)
        self.consulted()
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
        self._save(branch)
        self._began, progress = self.prepared.clock.seconds(), branch.state.progress
        self._step_seconds = (self._began - progress.setup_seconds) / max(1, progress.step)
        self.write(pending)

    def _kept(self, branch: Branch) -> Branch:
        """Make the winner the run: its options, its checkpoint; the untreated training's checkpoints go."""
        folder = self.prepared.folder
        if self.plan.compiled:  # one graph and single operations differ in the last bits
            branch = new_branch(branch.patient, self.plan, branch.total_steps, branch.start)
        progress = branch.state.progress
        # What trials took is no part of a step's time, by which a time limit sets the schedule.
        progress.setup_seconds = self.prepared.clock.seconds() - self._step_seconds * progress.step
        progress.total_steps, self._began = branch.total_steps, None
        self.generation += 1
        self.treatment.branch = branch
        self.write(None)
        become(folder, branch.patient.config)
        self._save(branch)
        return branch

    def _healthy(self, start: Snapshot) -> None:
        """Write a state in which nothing was wrong to the disk: a fault that comes later is treated from there."""
        about = {"config": start.patient.config.model_dump()}
        write_checkpoint(self.prepared.folder / FOLDER, HEALTHY, start.step, start.tensors, start.scalars | about)

    def _save(self, branch: Branch) -> None:
        folder = self.prepared.folder / "checkpoints"
        save_state(folder, branch.state, self.prepared.clock, lambda: beside(branch))

    def write(self, pending: Pending | None) -> None:
        """Write RUN/treatment.json and the outputs at the marks."""
        treatment, folder = self.treatment, self.prepared.folder
        (folder / FOLDER).mkdir(exist_ok=True)
        for mark, (outputs, targets) in treatment.outputs.items():
            path = outputs_path(folder, self.generation, mark)
            if not path.exists():
                write_bytes(path, pack({"outputs": outputs.contiguous(), "targets": targets.contiguous()}))
        waiting = None
        if pending is not None:
            findings = [one.model_dump() for one in pending.findings]
            waiting = json.dumps(pending._asdict() | {"findings": findings})  # as text it may hold NaN
        patient = treatment.branch.patient
        content: dict[str, Any] = {
            "config": patient.config.model_dump(),
            "changes": [asdict(change) for change in patient.changes],
            "total_steps": treatment.branch.total_steps,
            "generation": self.generation,
            "judged_by": self._judged_by,
            "budget": treatment.budget,
            "first_budget": treatment.first_budget,
            "attempts": [as_json(one) for one in treatment.attempts.values()],
            "spare": [as_json(one) for one in treatment.spare],
            "failed": treatment.failed,
            "floor": treatment.floor,
            "looks": treatment.marks,
            "healthy": treatment.healthy.step if treatment.healthy is not None else None,
            "start": treatment.branch.start.step if treatment.branch.start is not None else None,
            "marks": sorted(treatment.outputs),
            "told": treatment.told,
            "pending": waiting,
        }
        write_json(folder / FILE, content)
        needed = {content["healthy"], content["start"], *(one["start"] for one in content["spare"])}
        for path in checkpoints(folder / FOLDER, HEALTHY):
            if step_of(path) not in needed:
                shutil.rmtree(path)

    def _recall(self) -> None:
        content = recalled(self.prepared.folder)
        if content is None:
            return
        treatment = self.treatment
        treatment.budget, treatment.failed, treatment.told = content["budget"], content["failed"], content["told"]
        treatment.floor, treatment.first_budget = content["floor"], content["first_budget"]
        treatment.marks, self.generation = content["looks"], content["generation"]
        branch = treatment.branch
        base = replace(branch.patient, changes=tuple(map(as_change, content["changes"])))
        branch.patient = base
        folder = self.prepared.folder / FOLDER
        treatment.healthy = as_snapshot(base, folder, content["healthy"])
        branch.start = as_snapshot(base, folder, content["start"])
        attempts = [as_attempt(base, one, folder) for one in content["attempts"]]
        treatment.attempts = {one.key: one for one in attempts}
        treatment.spare = [as_attempt(base, one, folder) for one in content["spare"]]
        for mark in content["marks"]:
            path = outputs_path(self.prepared.folder, self.generation, mark)
            tensors = safetensors.torch.load_file(path)
            treatment.outputs[mark] = (tensors["outputs"], tensors["targets"])
        if content["pending"] is not None:
            pending = json.loads(content["pending"])
            found = [Finding(**one) for one in pending["findings"]]
            self._pending = Pending(**{**pending, "findings": found})


def as_json(attempt: Attempt) -> dict[str, Any]:
    """Return what a candidate is made of, and how far it has come."""
    return {
        "config": attempt.patient.config.model_dump(),
        "changes": [asdict(change) for change in attempt.patient.changes],
        "marks": list(attempt.left) or [mark for mark, _ in attempt.curve],
        "note": attempt.note,
        "pace": attempt.patient.pace,
        "start": attempt.start.step if attempt.start is not None else None,
    }


def as_snapshot(base: Patient, folder: Path, step: int | None) -> Snapshot | None:
    """Return the state in which nothing was wrong at a step, as it was written; None for None."""
    if step is None:
        return None
    tensors, manifest = read_checkpoint(folder / f"{HEALTHY}-{step:08d}")
    patient = base.with_options(**dict(make_config(manifest["config"])))
    return Snapshot(patient, step, tensors, manifest)


def as_attempt(base: Patient, content: dict[str, Any], folder: Path) -> Attempt:
    """Return the candidate that `as_json` wrote, where it began; it trains anew when it is needed."""
    patient = base.with_options(**dict(make_config(content["config"])))
    patient = replace(patient, changes=tuple(map(as_change, content["changes"])), pace=content["pace"])
    start = as_snapshot(base, folder, content["start"])
    return Attempt(patient, note=content["note"], left=tuple(content["marks"]), start=start)


def as_change(content: dict[str, Any]) -> Change:
    """Return the change of a training that was written as JSON."""
    options = tuple((name, value) for name, value in content["options"])
    return Change(content["remedy"], content["detail"], options, tuple(content["code"]))


def step_of(path: Path) -> int:
    """Return the step of a checkpoint's folder."""
    return int(path.name.rpartition("-")[2])


def outputs_path(folder: Path, generation: int, mark: int) -> Path:
    """Return where the outputs at a mark are kept: each training that was kept has its own."""
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
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "checkpoints").mkdir(exist_ok=True)
    write_bytes(folder / "config.yaml", write_yaml(config).encode())
