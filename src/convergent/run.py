"""The only wiring: data, task, engine and report become a run folder, from the start or from a checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from convergent.config import make_config, read_yaml, write_yaml
from convergent.data.source import open_source
from convergent.engine.budget import requested_steps
from convergent.engine.checkpoint import Part, checkpoints, newest_valid, read_checkpoint, write_bytes
from convergent.engine.evaluate import outputs_of
from convergent.engine.loop import Clock, Ending, Training
from convergent.engine.loop import train as train_loop
from convergent.engine.plan import (
    PlanRecord,
    make_state,
    planned,
    read_plan,
)
from convergent.engine.state import TrainState, copied
from convergent.engine.step import make_step
from convergent.engine.threads import claim_core_share
from convergent.examine import RunDoctor, merged, preflight
from convergent.memory import HoleKeeper, keep_freed_memory
from convergent.prepare import (
    REPORT_SECONDS,
    Prepared,
    absolute,
    choose_plan,
    evaluate_every,
    final_evaluations,
    new_folder,
    prepare,
    total_steps,
    with_learning_rate,
)
from convergent.report.journal import Journal
from convergent.report.page import write_report
from convergent.report.progress import Progress
from convergent.results import final_result, padding_panels, save_model, versions, write_json
from convergent.screen import Say, describe, say_on_stderr, summary
from convergent.specimens import Specimens, specimen_panels
from convergent.task import find_task, recognise_task
from convergent.trained import Run
from convergent.treat.branch import Branch
from convergent.treat.figures import treatment_panels
from convergent.treat.treatment import train_treated
from convergent.treating import RunTreatment, become, beside, prepared_as, recalled
from convergent.types import DataSpec, Finding, Panel, UserError


def train(data: str, *, say: Say = say_on_stderr, seconds_before: float = 0.0, **options: Any) -> Run:
    """Train on `data` with any of the options of `convergent.Config`, and return the finished run.

    `seconds_before` have passed already and count towards a time limit. Raises UserError for whatever the user can
    mend; KeyboardInterrupt after Ctrl-C, with the checkpoint saved.
    """
    clock = Clock(seconds_before)
    claim_core_share()
    keep_freed_memory()
    base = read_yaml(Path(options.pop("config"))) if options.get("config") else {}
    config = make_config(base, **options)
    source = open_source(absolute(data))
    task, reason = recognise_task(source, config)
    say(f"{task.name}: {source.reason} ({reason})")
    splits = task.load(source, config)
    config = task.defaults(splits.spec, config.model_copy(update={"task": config.task or task.name}))
    task.loss(splits.spec, config)
    folder = new_folder(config.out, data)
    config = config.model_copy(update={"out": str(folder)})
    for line in describe(splits):
        say(line)
    write_json(folder / "data.json", splits.spec.model_dump())
    prepared = prepare(folder, task, splits, config, clock)
    if config.preflight:
        before = preflight(splits, config, prepared.model, prepared.recipe)
        write_json(folder / "preflight.json", [one.model_dump() for one in before])
        for one in before:
            say(told(one))
    padding = prepared.batches.padding()
    if padding is not None:
        say(f"batches by length: {padding[0]:.1%} of the tokens are padding, {padding[1]:.1%} if drawn at random")
    record = choose_plan(prepared, say)
    prepared = with_learning_rate(prepared, record.chosen, say)
    write_bytes(folder / "config.yaml", write_yaml(prepared.config).encode())
    write_bytes(folder / "plan.json", record.model_dump_json(indent=1).encode())
    state = make_state(prepared.model, prepared.recipe, record.chosen)
    state.progress.total_steps = total_steps(prepared, record)
    state.progress.setup_seconds = clock.seconds()
    return run_to_end(prepared, state, record, say, resumed=False)


@dataclass(frozen=True)
class Found:
    """What `check` has to say: the data's description, and the same in lines for the screen."""

    spec: DataSpec
    lines: list[str]


def check(data: str, **options: Any) -> Found:
    """Read `data` as `train` would and return what was found; raises UserError where `train` would refuse it."""
    config = make_config(**options)
    source = open_source(absolute(data))
    task, reason = recognise_task(source, config)
    splits = task.load(source, config)
    chosen = task.defaults(splits.spec, config)
    first = f"{task.name}: {source.reason} ({reason})"
    last = f"would train {chosen.model} with {chosen.optimizer}, batches of {chosen.batch_size}, {chosen.epochs} epochs"
    return Found(splits.spec, [first, *describe(splits), last])


def resume(folder: str | Path, *, say: Say = say_on_stderr) -> Run:
    """Go on with a run that was killed or interrupted, from its newest whole checkpoint, bit for bit.

    Raises UserError where the folder is no run, its data has changed, or no checkpoint is whole.
    """
    claim_core_share()
    keep_freed_memory()
    folder = Path(folder)
    if not (folder / "config.yaml").is_file() or not (folder / "plan.json").is_file():
        raise UserError(f"{folder}: is not a run that can be resumed (no config.yaml or plan.json): it had not begun.")
    config = make_config(read_yaml(folder / "config.yaml"), where=f"{folder}/config.yaml: ")
    config = config.model_copy(update={"out": str(folder)})
    decided = recalled(folder)
    if decided is not None:
        treated = make_config(decided["config"]).model_copy(update={"out": str(folder)})
        if treated != config:
            config = treated
            become(folder, config)
    record = read_plan(folder / "plan.json")
    spec = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    task = find_task(str(config.task))
    splits = task.load(open_source(spec["source"]), config)
    if splits.spec.fingerprint != spec["fingerprint"]:
        start = f" or {config.pretrained}" if config.pretrained else ""
        raise UserError(f"{spec['source']}{start} has changed since {folder} began. Restore it, or train anew.")
    prepared = prepare(folder, task, splits, config, Clock(0.0))
    state = make_state(prepared.model, prepared.recipe, record.chosen)
    state.progress.total_steps = decided["total_steps"] if decided else total_steps(prepared, record)
    saved: Part | None = None
    if checkpoints(folder / "checkpoints", "step"):
        saved = restore(state, folder / "checkpoints", prepared.clock, say)
    else:
        say("no checkpoint had been saved yet: starting from the first step")
    return run_to_end(prepared, state, record, say, resumed=True, saved=saved)


def restore(state: TrainState, folder: Path, clock: Clock, say: Say) -> Part:
    """Bring `state` to where the newest whole checkpoint left it, the best weights so far included; return it."""
    tensors, manifest, passed_over = newest_valid(folder)
    for reason in passed_over:
        say(f"passed over: {reason}")
    state.restore(tensors, manifest)
    clock.earlier = state.progress.elapsed_seconds
    if state.progress.best is not None:
        state.best_weights = read_checkpoint(folder / f"best-{state.progress.best_step:08d}")[0]
    say(f"resuming at step {state.progress.step} of {state.progress.total_steps}")
    return tensors, manifest


@dataclass
class Telling:
    """Where a run says what it finds and does: its journal and the screen; a treatment exchanges the state."""

    journal: Journal
    shown: Progress
    state: TrainState

    def begin(self, state: TrainState) -> None:
        """Tell of this state's training from here on."""
        if state is not self.state:
            self.shown.begin_anew()
        self.state = state

    def finding(self, one: Finding) -> None:
        """Tell of a finding as soon as there is one."""
        self.journal.write("finding", step=self.state.progress.step, finding=one.model_dump())
        self.shown.note(told(one))

    def treatment(self, text: str) -> None:
        """Tell what a treatment does."""
        self.journal.write("treatment", text=text)
        self.shown.note(f"treatment: {text}")


class Trained(NamedTuple):
    """A training that has come to its end, as its treatments have left it."""

    prepared: Prepared
    state: TrainState
    ending: Ending
    doctor: RunDoctor | None
    treatments: list[dict[str, Any]]


def run_to_end(
    prepared: Prepared, state: TrainState, record: PlanRecord, say: Say, resumed: bool, saved: Part | None = None
) -> Run:
    """Train what is left, judge the best weights, and write what the run leaves behind.

    saved  the checkpoint from which it goes on
    """
    torch.set_num_threads(record.chosen.threads)
    metric, progress = prepared.task.metric(prepared.splits.spec), state.progress
    with (
        Journal(prepared.folder / "journal.jsonl", prepared.config.log_every) as journal,
        Progress(
            lambda: telling.state.progress.total_steps, prepared.batches.steps_per_epoch, metric.name,
            metric.higher_is_better,
        ) as shown,
    ):  # fmt: skip
        if resumed:
            journal.write("resume", step=progress.step)
        telling = Telling(journal, shown, state)
        doctor = make_doctor(prepared, state, record, telling, saved, say)
        try:
            trained = train_watched(prepared, state, record, telling, doctor)
        except UserError:  # a training that has diverged: what the doctor saw is what its user needs now
            for one in conclude(doctor, prepared, journal, progress.step)[0]:
                shown.note(told(one))
            raise
        prepared, state, ending, doctor, treatments = trained
        for done in treatments:
            journal.write("treated", step=done["step"], treatment=done)
        _, figures = conclude(doctor, prepared, journal, state.progress.step)
        journal.write("note", text=f"{ending} at step {state.progress.step}", step=state.progress.step)
    if ending == "interrupted":
        say(f"interrupted at step {state.progress.step}; saved. Go on with: convergent resume {prepared.folder}")
        raise KeyboardInterrupt
    return finish(prepared, state, record, ending, say, [*figures, *treatment_panels(treatments)], treatments)


def make_doctor(
    prepared: Prepared, state: TrainState, record: PlanRecord, telling: Telling, saved: Part | None, say: Say
) -> RunDoctor | None:
    """Return what watches the run, with what it had seen up to the checkpoint; None where nobody wants it."""
    if not prepared.config.doctor:
        return None
    doctor = RunDoctor(state, prepared.splits, prepared.config, record.chosen.compiled, telling.finding)
    if saved is not None and not doctor.restore(*saved):
        say("the checkpoint holds nothing of what the doctor had seen: it goes on watching, untreated, from here")
    return doctor


def train_watched(
    prepared: Prepared, state: TrainState, record: PlanRecord, telling: Telling, doctor: RunDoctor | None
) -> Trained:
    """Train to the end, under treatment where that is wanted."""

    def training_of(prepared: Prepared, state: TrainState, watchers: list[Any]) -> Training:
        telling.begin(state)
        specimens = Specimens(prepared.task, prepared.splits.spec, prepared.config, state, telling.journal)
        return make_training(
            prepared, state, record, [telling.journal, telling.shown, specimens, HoleKeeper(), *watchers]
        )

    if doctor is None or prepared.config.treat == "off":
        training = training_of(prepared, state, [] if doctor is None else [doctor])
        ending = train_loop(state, replace(training, beside=doctor.stored if doctor is not None else None))
        return Trained(prepared, state, ending, doctor, [])
    run = RunTreatment(prepared, state, record.chosen, doctor, telling.treatment, telling.finding)
    run.go_on()

    def training_under_treatment(branch: Branch) -> Training:
        training = training_of(prepared_as(prepared, branch), branch.state, [branch.consultant])
        return replace(training, beside=lambda: beside(branch))

    ending = train_treated(run.treatment, training_under_treatment, run.consulted)
    branch = run.treatment.branch
    last = branch.consultant if isinstance(branch.consultant, RunDoctor) else None
    return Trained(prepared_as(prepared, branch), branch.state, ending, last, run.treatment.told)


def conclude(
    doctor: RunDoctor | None, prepared: Prepared, journal: Journal, step: int
) -> tuple[list[Finding], list[Panel]]:
    """Return what the doctor found and its figures; findings go to the journal and into the run's folder."""
    folder, config = prepared.folder, prepared.config
    found, figures = doctor.finish() if doctor is not None else ([], [])
    for one in found:
        journal.write("finding", step=step, finding=one.model_dump())
    if config.doctor or config.preflight:
        write_json(folder / "findings.json", merged(earlier_findings(folder), found))
    return found, figures


def told(one: Finding) -> str:
    """Return a finding as the line that is shown while it trains."""
    return f"doctor: {one.severity}: {one.code}: {one.message} ({one.where})"


def earlier_findings(folder: Path, name: str = "preflight.json") -> list[Finding]:
    """Return findings that were written: those before the first step, or all."""
    path = folder / name
    return [Finding(**one) for one in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def make_training(prepared: Prepared, state: TrainState, record: PlanRecord, observers: list[Any]) -> Training:
    """Return what the loop needs for this training."""
    config, plan, spec = prepared.config, record.chosen, prepared.splits.spec
    recipe = planned(prepared.recipe, plan)
    metric = prepared.task.metric(spec)

    def evaluate() -> dict[str, float]:
        batch_size = 2 * prepared.batches.batch_size
        model = state.evaluated()
        outputs, targets = outputs_of(
            model, prepared.splits.valid, batch_size, recipe.device, plan.precision, prepared.task.judge
        )
        return prepared.task.metrics(outputs, targets, spec)

    monitored = config.monitor or metric.name
    return Training(
        config=config,
        batches=prepared.batches,
        step=make_step(state, recipe, plan.compiled),
        evaluate=evaluate,
        monitored=monitored,
        higher_is_better=metric.higher_is_better if monitored == metric.name else higher_is_better(monitored),
        evaluate_every=evaluate_every(prepared),
        observers=observers,
        folder=prepared.folder / "checkpoints",
        clock=prepared.clock,
        most_steps=requested_steps(config, prepared.batches.steps_per_epoch),
        profile=plan.profile,
        reserve_seconds=REPORT_SECONDS,
        final_evaluations=final_evaluations(prepared),
    )


def higher_is_better(name: str) -> bool:
    """Return in which direction a metric improves.

    >>> higher_is_better("accuracy"), higher_is_better("loss")
    (True, False)
    """
    return name not in {"loss", "rmse", "mae", "mse", "calibration_error", "perplexity", "bits_per_character"}


def finish(
    prepared: Prepared, state: TrainState, record: PlanRecord, ending: Ending, say: Say, figures: list[Panel],
    treatments: list[dict[str, Any]],
) -> Run:  # fmt: skip
    """Judge the best weights on every split; write model, result, panels and report."""
    folder, config = prepared.folder, prepared.config
    model = state.evaluated()
    if state.best_weights is not None:
        model.load_state_dict(copied(state.best_weights))
    model.eval()
    training_seconds = prepared.clock.seconds() - state.progress.setup_seconds
    result, panels = final_result(model, prepared.task, prepared.splits, config, record.chosen.precision)
    progress, batches = state.progress, prepared.batches
    seen = progress.step / batches.steps_per_epoch * batches.samples_per_epoch
    result |= {
        "steps": progress.step,
        "best_step": progress.best_step,
        "epochs": progress.step / prepared.batches.steps_per_epoch,
        "ending": ending,
        "seconds": prepared.clock.seconds(),
        "samples_per_second": seen / max(1e-9, training_seconds),
        "padding_share": (batches.padding() or (None,))[0],
        "plan": record.chosen.model_dump(),
        "treatments": treatments,
        "versions": versions(),
        "weights_sha256": save_model(folder / "model", model.cpu(), prepared.task, prepared.splits, config),
    }
    panels += [*specimen_panels(folder), *padding_panels(batches)]
    write_json(folder / "panels.json", [panel.model_dump() for panel in [*panels, *figures]])
    write_json(folder / "result.json", result)
    report = write_report(folder)
    for line in summary(result):
        say(line)
    for one in earlier_findings(folder, "findings.json"):
        if one.severity != "info":
            say(told(one))
    say(f"report: {report}")
    return Run(folder)
