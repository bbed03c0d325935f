"""Train any nn.Module on any batches with the same engine: `Trainer(model, loss=loss).fit(train, valid)`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
from convergent.engine.evaluate import outputs_of
from convergent.engine.loop import Clock, Training
from convergent.engine.loop import train as train_loop
from convergent.engine.plan import Plan, PlanRecord, default_plan, make_state, measure, read_plan, step_costs
from convergent.engine.state import TrainState
from convergent.engine.step import Recipe, make_step
from convergent.prepare import device_of
from convergent.report.journal import Journal, read_journal
from convergent.report.progress import Progress
from convergent.run import higher_is_better
from convergent.task import Loss, supervised_step
from convergent.types import Batch, Observer, Refusal, Samples, UserError

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
    """Trains a model of your own with Convergent's loop, plan, schedules, early stopping and journal.

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
        metrics: Metrics | None = None,
        observers: list[Observer] | None = None,
        config: Config | None = None,
        **options: Any,
    ) -> None:
        self.model, self.loss, self.metrics = model, loss, dict(metrics or {})
        self.observers = list(observers or [])
        given = config.model_dump(exclude_unset=True) if config is not None else {}
        self.config = make_config({"optimizer": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup": 0.05,
                                   "epochs": 10, **given, **options})  # fmt: skip
        if not isinstance(self.config.learning_rate, float):
            raise UserError("Trainer: give learning_rate as a number.")

    def fit(self, train: Data, valid: Data) -> FitResult:
        """Train on `train`, choose the best weights by `valid`, and return them in the model that was handed in.

        Raises UserError where the data has no order, KeyboardInterrupt after Ctrl-C.
        """
        config, device = self.config, device_of(self.config)
        samples, brought = as_samples(train, "train")
        size = len(samples) if config.optimizer == "gradient_descent" else config.batch_size or brought or 64
        batches = TrainingBatches(samples, size, config.seed, device, config.workers)
        clock = Clock(0.0)
        recipe = Recipe(supervised_step, self.loss, None, config, device)
        record = self._plan(recipe, batches, clock)
        state = make_state(self.model, config, record.chosen, device)
        state.progress.total_steps = record.chosen.total_steps or 1
        state.progress.setup_seconds = clock.seconds()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(config.out or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            ending = self._train(state, record.chosen, recipe, batches, as_samples(valid, "valid")[0], clock, folder)
            history = read_journal(folder / "journal.jsonl")
        if ending == "interrupted":
            raise KeyboardInterrupt
        if state.best_weights is not None:
            self.model.load_state_dict(state.best_weights)
        best = [line["metrics"] for line in history if line["kind"] == "evaluation" and line["best"]]
        return FitResult(self.model.eval(), best[-1] if best else {}, state.progress.step, ending, history)

    def _plan(self, recipe: Recipe, batches: TrainingBatches, clock: Clock) -> PlanRecord:
        """Return the plan, with the number of steps that was asked for or fits into the time limit."""
        config = self.config
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
        return record.model_copy(update={"chosen": record.chosen.model_copy(update={"total_steps": total})})

    def _train(
        self, state: TrainState, plan: Plan, recipe: Recipe, batches: TrainingBatches, valid: Samples, clock: Clock,
        folder: Path,
    ) -> str:  # fmt: skip
        config = self.config
        recipe = replace(recipe, precision=plan.precision)
        monitored = config.monitor or "loss"

        def evaluate() -> dict[str, float]:
            size = 2 * batches.batch_size
            outputs, targets = outputs_of(state.evaluated(), valid, size, recipe.device, plan.precision)
            measures = {"loss": self.loss, **self.metrics}
            return {name: float(measure(outputs, targets)) for name, measure in measures.items()}

        with (
            Journal(folder / "journal.jsonl", config.log_every) as journal,
            Progress(lambda: state.progress.total_steps, batches.steps_per_epoch, monitored,
                     higher_is_better(monitored)) as shown,
        ):  # fmt: skip
            training = Training(
                config=config,
                batches=batches,
                step=make_step(state, recipe, plan.compiled, self._after_backward),
                evaluate=evaluate,
                monitored=monitored,
                higher_is_better=higher_is_better(monitored),
                evaluate_every=config.evaluate_every or batches.steps_per_epoch,
                observers=[journal, shown, *self.observers],
                folder=folder / "checkpoints",
                clock=clock,
                most_steps=requested_steps(config, batches.steps_per_epoch),
            )
            return train_loop(state, training)

    def _after_backward(self, step: int) -> None:
        for observer in self.observers:
            observer.after_backward(step)
