"""The only wiring: data, task, engine and report become a run folder, from the start or from a checkpoint."""

from __future__ import annotations

import itertools
import json
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import convergent
from convergent.config import Config, make_config, read_yaml, write_yaml
from convergent.data.loader import TrainingBatches
from convergent.data.order import derived_seed
from convergent.data.source import open_source
from convergent.engine.budget import requested_steps, steps_in_time
from convergent.engine.checkpoint import checkpoints, newest_valid, read_checkpoint, write_bytes
from convergent.engine.evaluate import outputs_of
from convergent.engine.loop import Clock, Ending, Training
from convergent.engine.loop import train as train_loop
from convergent.engine.memory import keep_freed_memory
from convergent.engine.plan import (
    Plan,
    PlanRecord,
    default_plan,
    fingerprint,
    make_state,
    measure,
    read_plan,
    remember,
    remembered,
    step_costs,
)
from convergent.engine.range_test import range_test
from convergent.engine.state import TrainState, copied
from convergent.engine.step import Recipe, make_step
from convergent.engine.threads import claim_core_share
from convergent.report.journal import Journal
from convergent.report.page import write_report
from convergent.report.progress import Progress
from convergent.results import final_result, save_model, write_json
from convergent.screen import Say, describe, say_on_stderr, summary
from convergent.task import Task, find_task, recognise_task
from convergent.trained import Run
from convergent.types import DataSpec, Splits, UserError

MIN_STEPS_BETWEEN_EVALUATIONS = 20
FORWARD_SHARE = 0.4
REPORT_SECONDS = 4.0


@dataclass(frozen=True)
class Prepared:
    """A training that is ready to begin, or to go on."""

    folder: Path
    task: Task
    splits: Splits
    config: Config
    model: nn.Module
    recipe: Recipe
    batches: TrainingBatches
    clock: Clock


def train(data: str, *, say: Say = say_on_stderr, **options: Any) -> Run:
    """Train on `data` with any of the options of `convergent.Config`, and return the finished run.

    Raises UserError for whatever the user can mend; KeyboardInterrupt after Ctrl-C, with the checkpoint saved.
    """
    clock = Clock(0.0)
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
    record = choose_plan(prepared, say)
    prepared = with_learning_rate(prepared, record.chosen, say)
    write_bytes(folder / "config.yaml", write_yaml(prepared.config).encode())
    write_bytes(folder / "plan.json", record.model_dump_json(indent=1).encode())
    state = make_state(prepared.model, prepared.config, record.chosen, prepared.recipe.device)
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
    record = read_plan(folder / "plan.json")
    spec = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    task = find_task(str(config.task))
    splits = task.load(open_source(spec["source"]), config)
    if splits.spec.fingerprint != spec["fingerprint"]:
        raise UserError(f"{spec['source']}: the data has changed since {folder} began. Restore it, or train anew.")
    prepared = prepare(folder, task, splits, config, Clock(0.0))
    state = make_state(prepared.model, config, record.chosen, prepared.recipe.device)
    state.progress.total_steps = total_steps(prepared, record)
    if checkpoints(folder / "checkpoints", "step"):
        restore(state, folder / "checkpoints", prepared.clock, say)
    else:
        say("no checkpoint had been saved yet: starting from the first step")
    return run_to_end(prepared, state, record, say, resumed=True)


def restore(state: TrainState, folder: Path, clock: Clock, say: Say) -> None:
    """Bring `state` to where the newest whole checkpoint left it, the best weights so far included."""
    tensors, manifest, passed_over = newest_valid(folder)
    for reason in passed_over:
        say(f"passed over: {reason}")
    state.restore(tensors, manifest)
    clock.earlier = state.progress.elapsed_seconds
    if state.progress.best is not None:
        state.best_weights = read_checkpoint(folder / f"best-{state.progress.best_step:08d}")[0]
    say(f"resuming at step {state.progress.step} of {state.progress.total_steps}")


def absolute(data: str) -> str:
    """Return a local path made absolute, so that `resume` finds it from any folder; other addresses as they are."""
    path = Path(data).expanduser()
    return str(path.resolve()) if path.exists() else data


def new_folder(out: str | None, data: str) -> Path:
    """Create and return the run's folder; raises UserError where the one that was asked for holds something."""
    if out is None:
        stem = data.removeprefix("sample:").rstrip("/").rsplit("/", 1)[-1].split(".")[0] or "run"
        names = (Path("runs") / f"{stem}-{number}" for number in itertools.count(1))
        folder = next(name for name in names if not name.exists())
    else:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(
                f"{folder}: exists. Give another --out, go on with it by `convergent resume {folder}`, or remove it."
            )
    try:
        (folder / "checkpoints").mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder}: the run's folder cannot be made ({error.strerror}). Give another --out.") from None
    return folder


def device_of(config: Config) -> torch.device:
    """Return the device that was asked for; raises UserError where there is none of that kind."""
    if config.device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(config.device)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {config.device}: cannot be used ({str(error).splitlines()[0]}).") from None
    return device


def prepare(folder: Path, task: Task, splits: Splits, config: Config, clock: Clock) -> Prepared:
    """Return the training with its network at its initial weights, which the seed alone decides."""
    device = device_of(config)
    torch.manual_seed(derived_seed(config.seed, "init"))
    model = task.build(splits.spec, config).to(device)
    loss = task.loss(splits.spec, config)
    if isinstance(loss, nn.Module):
        loss.to(device)
    recipe = Recipe(task.step, loss, task.augment(splits.spec, config), config, device)
    size = len(splits.train) if config.optimizer == "gradient_descent" else config.batch_size or 128
    batches = TrainingBatches(splits.train, size, config.seed, device, config.workers)
    return Prepared(folder, task, splits, config, model, recipe, batches, clock)


def choose_plan(prepared: Prepared, say: Say) -> PlanRecord:
    """Return the plan that was asked for: measured, remembered, another run's, or torch's own way."""
    config, device = prepared.config, prepared.recipe.device
    if config.plan == "off":
        record = default_plan(config, device)
    elif config.plan != "auto":
        record = read_plan(Path(config.plan))
    else:
        record = _measured_plan(prepared)
    if config.time_limit is not None and record.chosen.total_steps is None:
        record = _with_total_steps(prepared, record)
    if config.plan == "auto":
        remember(_plan_key(prepared), record)
    torch.set_num_threads(record.chosen.threads)
    speed = f", {record.milliseconds:.3g} ms a step" if record.milliseconds else ""
    say(f"plan: {record.chosen.label()}{speed}{' (remembered)' if record.remembered else ''}")
    return record


def _first_batches(prepared: Prepared) -> list[Any]:
    return [batch for _, batch in itertools.islice(prepared.batches.from_step(0), 4)]


def _expected_steps(prepared: Prepared) -> int:
    return requested_steps(prepared.config, prepared.batches.steps_per_epoch) or 10_000


def _plan_key(prepared: Prepared) -> str:
    first = next(prepared.batches.from_step(0))[1]
    return fingerprint(prepared.model, prepared.config, first, prepared.recipe.device, _expected_steps(prepared))


def _trial_recipe(prepared: Prepared) -> Recipe:
    """Return the recipe with a learning rate for trials, in case it is yet to be found by the range test."""
    config = prepared.config
    if not isinstance(config.learning_rate, float):
        config = config.model_copy(update={"learning_rate": 1e-3})
    return replace(prepared.recipe, config=config)


def _measured_plan(prepared: Prepared) -> PlanRecord:
    known = remembered(_plan_key(prepared))
    if known is not None:
        return known
    return measure(prepared.model, _trial_recipe(prepared), _first_batches(prepared), _expected_steps(prepared))


def _with_total_steps(prepared: Prepared, record: PlanRecord) -> PlanRecord:
    """Return the plan with the number of steps that the time limit allows at its speed."""
    config, plan = prepared.config, record.chosen
    assert config.time_limit is not None
    ms, profile = step_costs(prepared.model, _trial_recipe(prepared), plan, _first_batches(prepared))
    left = config.time_limit - prepared.clock.seconds() - reserve_seconds(prepared, ms)
    every = evaluate_every(prepared)
    overhead = FORWARD_SHARE * len(prepared.splits.valid) / prepared.batches.batch_size / every
    steps = steps_in_time(max(0.0, left), ms / 1e3, overhead, profile)
    most = requested_steps(config, prepared.batches.steps_per_epoch)
    total = min(steps, most) if most is not None else steps
    chosen = plan.model_copy(update={"total_steps": total, "profile": profile})
    return record.model_copy(update={"chosen": chosen, "milliseconds": ms})


def reserve_seconds(prepared: Prepared, step_ms: float) -> float:
    """Return an estimate of what the final evaluation and the report take."""
    batches = final_evaluations(prepared) * len(prepared.splits.valid) / prepared.batches.batch_size
    return REPORT_SECONDS + FORWARD_SHARE * batches * step_ms / 1e3


def final_evaluations(prepared: Prepared) -> float:
    """Return how much is evaluated after the last step, in units of the validation split, which comes once more."""
    test = len(prepared.splits.test) if prepared.splits.test is not None else 0
    return 2 + test / len(prepared.splits.valid)


def evaluate_every(prepared: Prepared) -> int:
    """Return the steps between two evaluations: what was asked for, or whole epochs of at least 20 steps."""
    per_epoch = prepared.batches.steps_per_epoch
    return prepared.config.evaluate_every or per_epoch * -(-MIN_STEPS_BETWEEN_EVALUATIONS // per_epoch)


def total_steps(prepared: Prepared, record: PlanRecord) -> int:
    """Return the steps of the schedule: what was asked for, within what the time limit allows."""
    asked = requested_steps(prepared.config, prepared.batches.steps_per_epoch)
    if prepared.config.time_limit is not None and record.chosen.total_steps is not None:
        return record.chosen.total_steps
    if asked is None:
        raise UserError("how long to train is not said: give --epochs, --max-steps or --time-limit.")
    return asked


def with_learning_rate(prepared: Prepared, plan: Plan, say: Say) -> Prepared:
    """Return the training with its learning rate as a number: `auto` runs the range test on a copy."""
    config = prepared.config
    if config.learning_rate != "auto":
        return prepared
    rate, curve = range_test(prepared.model, prepared.recipe, prepared.batches, plan)
    write_json(prepared.folder / "range_test.json", {"learning_rate": rate, "curve": curve})
    say(f"learning rate: {rate:.2g} by the range test")
    config = config.model_copy(update={"learning_rate": rate})
    return replace(prepared, config=config, recipe=replace(prepared.recipe, config=config))


def run_to_end(prepared: Prepared, state: TrainState, record: PlanRecord, say: Say, resumed: bool) -> Run:
    """Train what is left, judge the best weights, and write what the run leaves behind."""
    config, task, folder, plan = prepared.config, prepared.task, prepared.folder, record.chosen
    torch.set_num_threads(plan.threads)
    metric = task.metric(prepared.splits.spec)
    progress = state.progress
    with (
        Journal(folder / "journal.jsonl", config.log_every) as journal,
        Progress(
            lambda: progress.total_steps, prepared.batches.steps_per_epoch, metric.name, metric.higher_is_better
        ) as shown,
    ):
        if resumed:
            journal.write("resume", step=progress.step)
        training = make_training(prepared, state, record, [journal, shown])
        ending = train_loop(state, training)
        journal.write("note", text=f"{ending} at step {progress.step}", step=progress.step)
    if ending == "interrupted":
        say(f"interrupted at step {progress.step}; saved. Go on with: convergent resume {folder}")
        raise KeyboardInterrupt
    return finish(prepared, state, record, ending, say)


def make_training(prepared: Prepared, state: TrainState, record: PlanRecord, observers: list[Any]) -> Training:
    """Return what the loop needs for this training."""
    config, plan, spec = prepared.config, record.chosen, prepared.splits.spec
    recipe = replace(prepared.recipe, precision=plan.precision)
    metric = prepared.task.metric(spec)

    def evaluate() -> dict[str, float]:
        batch_size = 2 * prepared.batches.batch_size
        model = state.evaluated()
        outputs, targets = outputs_of(model, prepared.splits.valid, batch_size, recipe.device, plan.precision)
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
    return name not in {"loss", "rmse", "mae", "mse", "calibration_error"}


def finish(prepared: Prepared, state: TrainState, record: PlanRecord, ending: Ending, say: Say) -> Run:
    """Judge the best weights on every split; write model, result, panels and report."""
    folder, config = prepared.folder, prepared.config
    model = state.evaluated()
    if state.best_weights is not None:
        model.load_state_dict(copied(state.best_weights))
    model.eval()
    training_seconds = prepared.clock.seconds() - state.progress.setup_seconds
    result, panels = final_result(model, prepared.task, prepared.splits, config, record.chosen.precision)
    progress = state.progress
    result |= {
        "steps": progress.step,
        "best_step": progress.best_step,
        "epochs": progress.step / prepared.batches.steps_per_epoch,
        "ending": ending,
        "seconds": prepared.clock.seconds(),
        "samples_per_second": progress.step * prepared.batches.batch_size / max(1e-9, training_seconds),
        "plan": record.chosen.model_dump(),
        "treatments": [],
        "versions": versions(),
        "weights_sha256": save_model(folder / "model", model.cpu(), prepared.task, prepared.splits, config),
    }
    write_json(folder / "panels.json", [panel.model_dump() for panel in panels])
    write_json(folder / "result.json", result)
    report = write_report(folder)
    for line in summary(result):
        say(line)
    say(f"report: {report}")
    return Run(folder)


def versions() -> dict[str, str]:
    """Return the versions that the weights may depend on."""
    return {
        "convergent": convergent.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
