"""A training made ready: its folder, device, network, batches, and the measured plan with its number of steps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from convergent.config import Config
from convergent.data.loader import TrainingBatches
from convergent.data.order import derived_seed
from convergent.engine.budget import requested_steps, steps_in_time
from convergent.engine.loop import Clock
from convergent.engine.plan import (
    Plan,
    PlanRecord,
    default_plan,
    fingerprint,
    measure,
    read_plan,
    remember,
    remembered,
    step_costs,
)
from convergent.engine.range_test import range_test
from convergent.engine.step import Recipe
from convergent.results import write_json
from convergent.screen import Say
from convergent.task import Task
from convergent.types import Splits, UserError

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
    batches = TrainingBatches(splits.train, size, config.seed, device, config.workers, config.token_budget)
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
    """Return how much is evaluated after the last step, in units of an evaluation of the validation split."""
    test = len(prepared.splits.test) if prepared.splits.test is not None else 0
    return 1 + prepared.task.final_effort * (1 + test / len(prepared.splits.valid))


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
