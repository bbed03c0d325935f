"""The execution plan: how a step is run is measured on the real model and real batches, not guessed.

Each choice is timed against the best so far (layout, precision, filters' gradients, fused optimiser, threads, one
compiled graph) and taken only if it is faster and its loss agrees with float32. The plan decides the last bits of the
weights, so it belongs to the run: it is written before the first step, `resume` uses it as it stands, and it is
remembered for the same machine, libraries, model and shapes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import nn

from convergent.config import Config, cache_folder
from convergent.engine.checkpoint import write_bytes
from convergent.engine.state import TrainState, averaged
from convergent.engine.step import (
    Recipe,
    StepFunction,
    augmented,
    can_compile,
    has_own_optimizer,
    make_step,
)
from convergent.engine.threads import free_threads
from convergent.optim import has_fused, trainable
from convergent.speed import product_speed, seconds_of
from convergent.types import Batch, UserError

CHOICES = ("layout", "precision", "layout", "filters", "optimizer", "threads", "compile")
"""The layout again where the precision has changed: matrix units for bfloat16 want channels last; then the filters."""
SECONDS_PER_CANDIDATE = 0.6
MOST_STEPS = 30
GAIN = 1.03
HOPELESS = 1.3
PROFILE_PARTS = 20
PROFILE_CHANGES = 0.8
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.03, "float16": 0.01}
COMPILE_SECONDS = 20.0
COMPILE_STEP_MS = {"cpu": 3.0, "cuda": float("inf")}


class Plan(BaseModel):
    """How a step is run. The default is torch's own: float32, eager, contiguous."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    layout: Literal["contiguous", "channels_last"] = "contiguous"
    joined_filters: bool = False
    """Gradients of filters over small images are taken on the batch as one image."""
    fused_optimizer: bool = False
    compiled: bool = False
    threads: int = 1
    total_steps: int | None = None
    """Steps that fit into the time limit by the measured speed, where there is one."""
    profile: tuple[float, ...] = ()
    """Cost of a step in equal parts of the training, relative to one at its end; empty where it does not change."""

    def label(self) -> str:
        """Return the plan in a few words.

        >>> Plan(precision="bfloat16", threads=2).label()
        'bfloat16, contiguous, eager, 2 threads'
        """
        words = [self.precision, self.layout.replace("_", "-")]
        words += ["joined filter gradients"] if self.joined_filters else []
        words += ["fused optimiser"] if self.fused_optimizer else []
        words += ["one compiled graph" if self.compiled else "eager"]
        return ", ".join([*words, f"{self.threads} thread{'s' if self.threads > 1 else ''}"])


class Candidate(BaseModel):
    """A line of the plan's table: what was timed, how it did, and whether it was taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    milliseconds: float | None
    speedup: float | None
    loss_difference: float | None
    taken: bool
    note: str


class PlanRecord(BaseModel):
    """What `RUN/plan.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chosen: Plan
    candidates: list[Candidate]
    machine: dict[str, Any]
    remembered: bool = False
    milliseconds: float | None = None
    """Of a step by the chosen plan."""


def read_plan(path: Path) -> PlanRecord:
    """Return the plan in a file; raises UserError where it is missing or not a plan."""
    try:
        return PlanRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Give the plan.json of a run, auto or off."
        ) from None
    except ValidationError as error:
        raise UserError(f"{path}: is not a plan ({error.errors()[0]['msg']}).") from None


def machine(device: torch.device) -> dict[str, Any]:
    """Return what the plan was measured on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "processor": name,
        "device": device.type,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads_free": free_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def planned(recipe: Recipe, plan: Plan) -> Recipe:
    """Return the recipe with the arithmetic of the plan."""
    return replace(recipe, precision=plan.precision, joined_filters=plan.joined_filters)


def make_state(model: nn.Module, recipe: Recipe, plan: Plan) -> TrainState:
    """Return the training state of `model` under `plan`; the model is moved and laid out in place."""
    config, device = recipe.config, recipe.device
    model.to(device)
    if plan.layout == "channels_last":
        model.to(memory_format=torch.channels_last)
    optimizers = recipe.optimizers(model, config, plan.fused_optimizer)
    scaler = torch.amp.GradScaler(device.type) if plan.precision == "float16" else None
    ema = averaged(model, config.ema) if config.ema else None
    return TrainState(model.train(), optimizers, ema, scaler)


class _Trial:
    """A plan on a copy of the model: its steps can be timed again and again."""

    def __init__(self, model: nn.Module, recipe: Recipe, plan: Plan, batches: list[Batch]) -> None:
        self.batches, self.plan, self.recipe, self.device_type = batches, plan, recipe, recipe.device.type
        torch.set_num_threads(plan.threads)
        state = make_state(copy.deepcopy(model), recipe, plan)
        self.step: StepFunction = make_step(state, planned(recipe, plan), plan.compiled)
        start = time.perf_counter()
        self.losses = [self._run(i).item() for i in range(2)]
        self.first_seconds = time.perf_counter() - start
        self.count = 2

    def _run(self, index: int, progress: float = 1.0) -> torch.Tensor:
        return self.step(self.batches[index % len(self.batches)], index, 1e-3, progress)[0]

    def profile(self) -> tuple[float, ...]:
        """Return the cost of a step in equal parts of the training, relative to one at its end.

        A step costs the same for the same shapes, so only what augmentation makes of a different shape is timed.
        """
        shapes = [self._shapes((part + 0.5) / PROFILE_PARTS) for part in range(PROFILE_PARTS)]
        last = self._shapes(1.0)
        seconds = {}
        for shape in dict.fromkeys([last, *shapes]):
            progress = 1.0 if shape == last else (shapes.index(shape) + 0.5) / PROFILE_PARTS
            self._run(self.count, progress)
            seconds[shape] = min(self._timed(progress) for _ in range(2))
        shares = tuple(min(1.0, seconds[shape] / seconds[last]) for shape in shapes)
        return shares if min(shares) < PROFILE_CHANGES else ()

    def _shapes(self, progress: float) -> tuple[tuple[int, ...], ...]:
        batch = augmented(self.recipe, self.batches[0], 0, progress)
        return tuple(tuple(tensor.shape) for tensor in batch.inputs)

    def _timed(self, progress: float = 1.0) -> float:
        self.count += 1
        return seconds_of(lambda: self._run(self.count, progress), self.device_type)

    def milliseconds(self, seconds: float) -> float:
        """Return the median time of a step, measured for about `seconds`."""
        torch.set_num_threads(self.plan.threads)
        times: list[float] = []
        while not times or (sum(times) < seconds and len(times) < MOST_STEPS):
            times.append(self._timed())
        return statistics.median(times) * 1e3


def candidate_plans(best: Plan, choice: str, config: Config, state: TrainState, device: torch.device) -> list[Plan]:
    """Return the plans that differ from `best` in one choice and are possible here."""
    match choice:
        case "layout":
            filters = best.layout == "contiguous" and any(p.ndim == 4 for p in state.model.parameters())
            return [best.model_copy(update={"layout": "channels_last"})] if filters else []
        case "precision":
            names = {"auto": ["bfloat16"] + (["float16"] if device.type == "cuda" else [])}
            wanted = names.get(config.precision, [])
            return [best.model_copy(update={"precision": name}) for name in wanted]
        case "filters":
            # It is for the matrix units of a processor, which want bfloat16 and the channels last.
            units = best.precision == "bfloat16" and device.type == "cpu"
            filters = any(p.ndim == 4 for p in state.model.parameters())
            changes = {"layout": "channels_last", "joined_filters": True}
            return [best.model_copy(update=changes)] if units and filters else []
        case "optimizer":
            return (
                [best.model_copy(update={"fused_optimizer": True})]
                if has_fused(config) and not has_own_optimizer(state)
                else []
            )
        case "threads":
            return [best.model_copy(update={"threads": 1})] if best.threads > 1 and device.type == "cpu" else []
    return [best.model_copy(update={"compiled": True})] if can_compile(state, config, device) else []


def why_not(plan: Plan, choice: str, config: Config, device: torch.device, step_ms: float, steps: int) -> str:
    """Return why a candidate is not worth timing, or nothing."""
    if choice == "precision":
        ratio = product_speed(plan.precision, device.type) / product_speed("float32", device.type)
        if ratio < 1:
            return f"not timed: a {plan.precision} matrix product runs at {ratio:.3g} times float32's speed here"
    if choice == "compile":
        gain = 0.5 * steps * step_ms / 1e3
        if step_ms > COMPILE_STEP_MS.get(device.type, 0.0):
            return f"not timed: compiling helps small steps on a {device.type}, and this one is large"
        if gain < 2 * COMPILE_SECONDS:
            return f"not timed: {steps} steps of {step_ms:.2g} ms are too few to pay for compiling"
    return ""


def measure(model: nn.Module, recipe: Recipe, batches: list[Batch], steps: int) -> PlanRecord:
    """Return the fastest plan for `model` on `batches`, for a run of about `steps` steps, with its table.

    The model itself is not changed: every candidate trains a copy of it.
    """
    config, device = recipe.config, recipe.device
    fixed = config.precision if config.precision != "auto" else "float32"
    best = Plan(precision=fixed, threads=free_threads())
    trial = _Trial(model, recipe, best, batches)
    reference, base_ms = trial.losses, trial.milliseconds(SECONDS_PER_CANDIDATE)
    best_ms = base_ms
    rows = [Candidate(name=best.label(), milliseconds=base_ms, speedup=1.0, loss_difference=0.0, taken=True, note="")]
    state = make_state(copy.deepcopy(model), recipe, best)
    for choice in CHOICES:
        for plan in candidate_plans(best, choice, config, state, device):
            if plan.label() in [row.name for row in rows]:
                continue
            note = why_not(plan, choice, config, device, best_ms, steps)
            if note:
                rows.append(_row(plan, None, None, None, note))
                continue
            timed = _time_candidate(model, recipe, plan, batches, trial, reference)
            rows.append(_row(plan, timed[1], timed[2], base_ms, timed[3]))
            if timed[0] is not None and not timed[3] and timed[1] is not None:
                trial, best, best_ms = timed[0], plan, timed[1]
    torch.set_num_threads(best.threads)
    rows = [row.model_copy(update={"taken": row.name == best.label()}) for row in rows]
    return PlanRecord(chosen=best, candidates=rows, machine=machine(device), milliseconds=best_ms)


def step_costs(model: nn.Module, recipe: Recipe, plan: Plan, batches: list[Batch]) -> tuple[float, tuple[float, ...]]:
    """Return (milliseconds of a step at the end of the training, profile) under `plan`, measured on a copy."""
    trial = _Trial(model, recipe, plan, batches)
    profile = trial.profile() if recipe.augment is not None else ()
    return trial.milliseconds(SECONDS_PER_CANDIDATE), profile


def _row(plan: Plan, ms: float | None, difference: float | None, base_ms: float | None, note: str) -> Candidate:
    speedup = base_ms / ms if ms and base_ms else None
    return Candidate(
        name=plan.label(), milliseconds=ms, speedup=speedup, loss_difference=difference, taken=False, note=note
    )


def _time_candidate(
    model: nn.Module, recipe: Recipe, plan: Plan, batches: list[Batch], best: _Trial, reference: list[float]
) -> tuple[_Trial | None, float | None, float | None, str]:
    """Return (trial, milliseconds, loss difference, why it was not taken or nothing); timed in turns with the best."""
    try:
        trial = _Trial(model, recipe, plan, batches)
    except (RuntimeError, NotImplementedError) as error:
        return None, None, None, f"does not run here: {str(error).splitlines()[0][:120]}"
    difference = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(trial.losses, reference, strict=True))
    if not difference <= TOLERANCE[plan.precision]:
        return trial, None, difference, f"refused: the loss differs from float32's by {difference:.2g}"
    half = SECONDS_PER_CANDIDATE / 2
    mine, theirs = [trial.milliseconds(0.0)], [best.milliseconds(0.0)]
    if mine[0] > HOPELESS * theirs[0]:
        return trial, mine[0], difference, "not faster than the best so far"
    for _ in range(2):
        mine.append(trial.milliseconds(half))
        theirs.append(best.milliseconds(half))
    note = "" if min(theirs) / min(mine) >= GAIN else "not faster than the best so far"
    return trial, min(mine), difference, note


def fingerprint(model: nn.Module, config: Config, batch: Batch, device: torch.device, steps: int) -> str:
    """Return a key for the same machine, libraries, model, options and shapes."""
    shapes = [(name, tuple(p.shape)) for name, p in trainable(model).items()]
    inputs = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in batch.inputs]
    options = config.model_dump(
        include={"optimizer", "precision", "accumulate", "clip_norm", "ema", "l1", "l2", "loss"}
    )
    text = json.dumps([machine(device), str(model), shapes, inputs, options, config.time_limit, steps > 50_000])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def remembered(key: str) -> PlanRecord | None:
    """Return the plan that was chosen before under this key; a damaged memory counts as none."""
    try:
        record = PlanRecord.model_validate_json((cache_folder() / "plans" / f"{key}.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return record.model_copy(update={"remembered": True})


def remember(key: str, record: PlanRecord) -> None:
    """Keep the plan for the next run under this key; where the cache can't be written, go on without."""
    folder = cache_folder() / "plans"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / f"{key}.json", record.model_dump_json(indent=1).encode())
    except (OSError, UserError):
        return


def default_plan(config: Config, device: torch.device) -> PlanRecord:
    """Return torch's own way, unmeasured: what `--plan off` takes."""
    precision = config.precision if config.precision != "auto" else "float32"
    return PlanRecord(chosen=Plan(precision=precision, threads=free_threads()), candidates=[], machine=machine(device))
