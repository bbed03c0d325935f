"""Train any nn.Module on any batches with the same engine: `Trainer(model, loss=loss).fit(train, valid)`."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from convergent.config import Config, make_config
from convergent.data.loader import TrainingBatches
from convergent.engine.budget import requested_steps, steps_in_time
from convergent.engine.loop import Clock, Training
from convergent.engine.loop import train as train_loop
from convergent.engine.plan import PlanRecord, default_plan, make_state, measure, read_plan, step_costs
from convergent.engine.step import Recipe, make_step
from convergent.prepare import device_of
from convergent.report.journal import Journal, read_journal
from convergent.report.progress import Progress
from convergent.run import higher_is_better
from convergent.task import Loss, supervised_step
from convergent.treat.ask import ask_on_terminal
from convergent.treat.branch import Branch
from convergent.treat.consult import Consultant
from convergent.treat.own_optimizer import MakeOptimizer, own_optimizer
from convergent.treat.patient import Patient
from convergent.treat.treatment import Ask, Mode, Treatment, train_treated
from convergent.types import Batch, Finding, Observer, Refusal, Samples, UserError

EVALUATION_SHARE = 0.1
Data = Any
"""A DataLoader, a map-style Dataset, or a tuple of tensors or arrays (inputs ..., targets)."""
Metrics = Mapping[str, Callable[[Tensor, Tensor], Tensor | float]]


@dataclass(frozen=True)
class FitResult:
    """What `fit` returns: the model with its best weights, its metrics on the validation data, and the journal."""

    model: nn.Module
    valid: dict[str, float]
    steps: int
    ending: str
    history: list[dict[str, Any]]
    treatments: list[dict[str, Any]] = field(default_factory=list)
    """What was tried for what the doctor found, and what it did."""
    findings: list[Finding] = field(default_factory=list)
    """What the doctor still finds at the end, causes first: some faults can't be mended from outside."""


class DatasetSamples:
    """A map-style dataset as Samples; its items are (input, ..., target)."""

    decoded = False
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, dataset: Dataset[Any], collate: Callable[[list[Any]], Any] = default_collate) -> None:
        self.dataset, self.collate = dataset, collate

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the items at `indices`, put together by the dataset's own collate function."""
        items = self.collate([self.dataset[int(index)] for index in indices])
        return Batch(tuple(items[:-1]), items[-1])

    def name(self, index: int) -> str:
        """Return the item's number."""
        return f"item {index}"


class TensorSamples(DatasetSamples):
    """Tensors side by side: a batch is one look-up."""

    decoded = True

    def __init__(self, tensors: tuple[Tensor, ...]) -> None:
        super().__init__(TensorDataset(*tensors))
        self.tensors = tensors

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the rows at `indices`."""
        chosen = torch.from_numpy(indices)
        *inputs, targets = (tensor.index_select(0, chosen) for tensor in self.tensors)
        return Batch(tuple(inputs), targets)


def as_samples(data: Data, name: str) -> tuple[Samples, int | None]:
    """Return (samples, the batch size that the data brings along, if any).

    Raises UserError for what has no length or no order, for then no batch can be a function of its number.
    """
    if isinstance(data, DataLoader):
        if not hasattr(data.dataset, "__getitem__") or not hasattr(data.dataset, "__len__"):
            raise UserError(
                f"{name}: the DataLoader's dataset is iterable only. Give one with __getitem__ and __len__."
            )
        return DatasetSamples(data.dataset, data.collate_fn), data.batch_size
    if isinstance(data, TensorDataset):
        return TensorSamples(data.tensors), None
    if isinstance(data, tuple | list) and data and all(isinstance(part, Tensor | np.ndarray) for part in data):
        tensors = tuple(torch.as_tensor(part) for part in data)
        if len({len(tensor) for tensor in tensors}) > 1:
            raise UserError(f"{name}: inputs and targets differ in length: {[len(tensor) for tensor in tensors]}.")
        return TensorSamples(tensors), None
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return DatasetSamples(data), None
    raise UserError(
        f"{name}: give a DataLoader, a map-style Dataset, or a tuple (inputs, targets) of tensors or arrays."
    )


class Trainer:
    """Trains a model of your own with Convergent's loop, plan, schedules, early stopping, journal and treatment.

    optimizer   one of yours, or a function (model) -> optimiser; it then trains at its own, constant, learning rate
                unless a schedule is asked for. Or the name of one of ours, as the option has it: AdamW by default

    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(64, 3); y = x.sum(1, keepdim=True)
    >>> trainer = Trainer(nn.Linear(3, 1), loss=nn.functional.mse_loss, learning_rate=0.1, epochs=20, plan="off")
    >>> trainer.fit((x, y), (x, y)).valid["loss"] < 1.0
    True
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        loss: Loss,
        optimizer: torch.optim.Optimizer | MakeOptimizer | str | None = None,
        metrics: Metrics | None = None,
        observers: list[Observer] | None = None,
        config: Config | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise UserError(f"Trainer: model must be a torch.nn.Module, not {type(model).__name__}. Give the network.")
        self.model, self.loss, self.metrics = model, loss, dict(metrics or {})
        self.observers = list(observers or [])
        if isinstance(optimizer, str):
            optimizer, options = None, {"optimizer": optimizer, **options}
        self.own = own_optimizer(optimizer, model) if optimizer is not None else None
        given = config.model_dump(exclude_unset=True) if config is not None else {}
        course = {"schedule": "constant", "warmup": 0.0} if self.own else {"schedule": "cosine", "warmup": 0.05}
        rate = self.own.learning_rate if self.own else 1e-3
        self.config = make_config({"optimizer": None if self.own else "adamw", "learning_rate": rate, **course,
                                   "epochs": 10, "treat": "off", **given, **options})  # fmt: skip
        if not isinstance(self.config.learning_rate, float):
            raise UserError("Trainer: give learning_rate as a number.")

    def fit(self, train: Data, valid: Data, *, treat: Mode | None = None, ask: Ask | None = None) -> FitResult:
        """Train on `train`, choose the best weights by `valid`, and return them.

        treat   `auto` tries remedies for what the doctor finds and keeps what helps; `ask` asks first, through `ask` or
                on the terminal; `off` only trains. Without a treatment the model is the one that was handed in; after
                one it is `result.model`, which takes the same inputs
        ask     (finding, what would be tried, steps it takes) -> whether to try

        Raises UserError where the data has no order, KeyboardInterrupt after Ctrl-C.
        """
        config = self.config if treat is None else self.config.model_copy(update={"treat": treat})
        device = device_of(config)
        samples, brought = as_samples(train, "train")
        size = len(samples) if config.optimizer == "gradient_descent" else config.batch_size or brought or 64
        batches = TrainingBatches(samples, size, config.seed, device, config.workers)
        clock = Clock(0.0)
        recipe = Recipe(supervised_step, self.loss, None, config, device)
        recipe = replace(recipe, optimizers=self.own) if self.own is not None else recipe
        record = self._plan(recipe, batches, clock)
        valid_samples = as_samples(valid, "valid")[0]
        initial, why_not = copied_model(self.model, config)
        patient = Patient(
            initial or self.model, recipe, samples, valid_samples, batches.batch_size, Consultant, self.own
        )
        state = make_state(self.model, recipe, record.chosen)
        state.progress.total_steps = record.chosen.total_steps or 1
        state.progress.setup_seconds = clock.seconds()
        branch = Branch(patient, record.chosen, state, state.progress.total_steps, Consultant(state, patient))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(config.out or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            course = Course(branch, folder, clock, self.metrics, self.observers, ask)
            ending, treatment = course.run(treats=initial is not None, why_not=why_not)
            history = read_journal(folder / "journal.jsonl")
        if ending == "interrupted":
            raise KeyboardInterrupt
        found = [] if config.treat == "off" else treatment.branch.consultant.findings()
        final = treatment.branch.state
        model = final.evaluated() if treatment.branch is not branch else self.model
        if final.best_weights is not None:
            model.load_state_dict(final.best_weights)
        evaluations = [line for line in history if line["kind"] == "evaluation"]
        best = [line["metrics"] for line in evaluations if line["step"] == final.progress.best_step]
        return FitResult(
            model.eval(), best[-1] if best else {}, final.progress.step, ending, history, treatment.told, found
        )

    def _plan(self, recipe: Recipe, batches: TrainingBatches, clock: Clock) -> PlanRecord:
        """Return the plan, with the number of steps that was asked for or fits into the time limit."""
        config = recipe.config
        asked = requested_steps(config, batches.steps_per_epoch)
        first = [batch for _, batch in islice(batches.from_step(0), 4)]
        if config.plan == "auto":
            record = measure(self.model, recipe, first, asked or 10_000)
        else:
            record = default_plan(config, recipe.device) if config.plan == "off" else read_plan(Path(config.plan))
        torch.set_num_threads(record.chosen.threads)
        total = asked
        if config.time_limit is not None:
            ms, _ = step_costs(self.model, recipe, record.chosen, first)
            total = steps_in_time(config.time_limit - clock.seconds(), ms / 1e3, EVALUATION_SHARE)
            total = min(total, asked) if asked is not None else total
        compiled = record.chosen.compiled and config.treat == "off"  # in one graph the doctor would see nothing
        chosen = record.chosen.model_copy(update={"total_steps": total, "compiled": compiled})
        return record.model_copy(update={"chosen": chosen})


def copied_model(model: nn.Module, config: Config) -> tuple[nn.Module | None, str]:
    """Return a copy of the model at its first weights for trials, and where there can't be one, why."""
    if config.treat == "off":
        return None, ""
    try:
        return copy.deepcopy(model), ""
    except Exception as error:  # a user's module may hold anything
        return None, f"{type(model).__name__} can't be copied ({str(error).splitlines()[0]}): it is not treated"


@dataclass
class Course:
    """One fit under way: it hands the loop what it needs, for the training as it stands."""

    branch: Branch
    folder: Path
    clock: Clock
    metrics: Metrics
    observers: list[Observer]
    ask: Ask | None

    def run(self, treats: bool, why_not: str) -> tuple[str, Treatment]:
        """Train to the end, and treat on the way where that is wanted; return the ending and the treatments."""
        config, state = self.branch.patient.config, self.branch.state
        monitored = config.monitor or "loss"
        with (
            Journal(self.folder / "journal.jsonl", config.log_every) as journal,
            Progress(lambda: self.branch.total_steps, self.branch.patient.batches.steps_per_epoch, monitored,
                     higher_is_better(monitored)) as shown,
        ):  # fmt: skip

            def tell(text: str) -> None:
                journal.write("treatment", step=state.progress.step, text=text)
                shown.note(f"treatment: {text}")

            if why_not:
                tell(why_not)
            ask = (self.ask or ask_on_terminal) if config.treat == "ask" else None
            budget = round(config.treat_budget * self.branch.total_steps) if treats else 0
            treatment = Treatment(self.branch, self.branch.plan, budget, tell, ask)

            def training_of(branch: Branch) -> Training:
                return self._training(branch, [journal, shown, branch.consultant, *self.observers])

            if config.treat == "off":
                self.branch.consultant.close()
                return train_loop(state, self._training(self.branch, [journal, shown, *self.observers])), treatment
            ending = train_treated(treatment, training_of)
            treatment.branch.consultant.close()
            for one in treatment.told:
                journal.write("treated", treatment=one)
            return ending, treatment

    def _training(self, branch: Branch, observers: list[Any]) -> Training:
        patient, state, plan = branch.patient, branch.state, branch.plan
        config, batches = patient.config, patient.batches
        monitored = config.monitor or "loss"

        def evaluate() -> dict[str, float]:
            outputs, targets = branch.outputs()
            measures = {"loss": patient.recipe.loss, **self.metrics}
            return {name: float(measure(outputs, targets)) for name, measure in measures.items()}

        return Training(
            config=config,
            batches=batches,
            step=make_step(state, branch.recipe, plan.compiled, self._after_backward),
            evaluate=evaluate,
            monitored=monitored,
            higher_is_better=higher_is_better(monitored),
            evaluate_every=config.evaluate_every or batches.steps_per_epoch,
            observers=observers,
            folder=self.folder / "checkpoints",
            clock=self.clock,
            most_steps=requested_steps(config, batches.steps_per_epoch),
        )

    def _after_backward(self, step: int) -> None:
        for observer in self.observers:
            observer.after_backward(step)
