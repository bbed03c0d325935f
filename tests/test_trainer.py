"""Trainer: the engine on a model and data of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import convergent as cv
from convergent.trainer import FitResult
from convergent.types import EvalRecord, StepRecord

X = torch.randn(600, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).float().mean()


def fitted(train: object, valid: object, **options: object) -> FitResult:
    settings = {"epochs": 8, "learning_rate": 0.02, "batch_size": 50, "plan": "off", **options}
    trainer = cv.Trainer(model(), loss=nn.CrossEntropyLoss(), metrics={"accuracy": accuracy}, **settings)
    return trainer.fit(train, valid)


@pytest.mark.parametrize("form", ["tensors", "arrays", "dataset", "loader"])
def test_any_form_of_data_gives_the_same_network(form: str) -> None:
    dataset = TensorDataset(X, Y)
    train = {
        "tensors": (X, Y),
        "arrays": (X.numpy(), Y.numpy()),
        "dataset": dataset,
        "loader": DataLoader(dataset, batch_size=50),
    }[form]
    result = fitted(train, (X, Y))
    assert result.valid["accuracy"] > 0.9 and result.steps == 96
    expected = fitted((X, Y), (X, Y)).model
    for mine, other in zip(result.model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_the_best_weights_are_those_that_come_back() -> None:
    result = fitted((X, Y), (X, Y), monitor="accuracy", epochs=5)
    with torch.no_grad():
        assert accuracy(result.model(X), Y).item() == pytest.approx(result.valid["accuracy"])


def test_observers_see_every_step_and_change_nothing() -> None:
    class Watcher:
        def __init__(self) -> None:
            self.backwards, self.steps, self.evaluations = 0, 0, 0

        def after_backward(self, step: int) -> None:
            self.backwards += 1

        def after_step(self, record: StepRecord) -> None:
            self.steps += 1

        def after_evaluation(self, record: EvalRecord) -> None:
            self.evaluations += 1

    watcher = Watcher()
    trainer = cv.Trainer(
        model(),
        loss=nn.CrossEntropyLoss(),
        observers=[watcher],
        epochs=2,
        batch_size=50,
        learning_rate=0.02,
        plan="off",
    )
    watched = trainer.fit((X, Y), (X, Y)).model
    assert (watcher.backwards, watcher.steps, watcher.evaluations) == (24, 24, 2)
    alone = fitted((X, Y), (X, Y), epochs=2).model
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), alone.parameters(), strict=True))


def test_early_stopping_ends_the_run() -> None:
    noise = torch.randint(0, 3, (600,), generator=torch.Generator().manual_seed(1))
    result = fitted((X, noise), (X[:100], noise.roll(7)[:100]), epochs=200, early_stopping=3)
    assert result.ending == "early stopping" and result.steps < 200 * 12


def test_reduce_on_plateau_lowers_the_rate() -> None:
    noise = torch.randint(0, 3, (600,), generator=torch.Generator().manual_seed(1))
    options = {"schedule": "reduce_on_plateau", "plateau_patience": 1, "log_every": 1, "warmup": 0.0}
    history = fitted((X, noise), (X, noise.roll(7)), epochs=12, **options).history
    rates = [line["learning_rate"] for line in history if line["kind"] == "step"]
    assert min(rates) < 0.2 * max(rates)


def test_what_cannot_be_trained_on_is_refused() -> None:
    class Stream(IterableDataset[tuple[Tensor, Tensor]]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield X[0], Y[0]

    with pytest.raises(cv.UserError, match="iterable only"):
        fitted(DataLoader(Stream()), (X, Y))
    with pytest.raises(cv.UserError, match="differ in length"):
        fitted((X, Y[:10]), (X, Y))
    with pytest.raises(cv.UserError, match="map-style"):
        fitted(3, (X, Y))
    with pytest.raises(cv.UserError, match="learning_rate"):
        cv.Trainer(model(), loss=nn.CrossEntropyLoss(), learning_rates=1)


def test_a_run_folder_keeps_journal_and_checkpoints(tmp_path: Path) -> None:
    fitted((X, Y), (X, Y), out=str(tmp_path / "run"), epochs=2)
    assert (tmp_path / "run" / "journal.jsonl").stat().st_size > 0
    assert list((tmp_path / "run" / "checkpoints").glob("best-*"))


def test_regression_with_arrays() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    y = x.sum(1, keepdims=True)
    trainer = cv.Trainer(nn.Linear(4, 1), loss=nn.functional.mse_loss, epochs=20, learning_rate=0.05, plan="off")
    assert trainer.fit((x, y), (x, y)).valid["loss"] < 0.05


def test_an_optimiser_is_named_as_in_the_options() -> None:
    named, usual = fitted((X, Y), (X, Y), optimizer="adamw"), fitted((X, Y), (X, Y))
    assert all(torch.equal(a, b) for a, b in zip(named.model.parameters(), usual.model.parameters(), strict=True))
    other = fitted((X, Y), (X, Y), optimizer="sgd")
    assert not torch.equal(next(other.model.parameters()), next(usual.model.parameters()))
    with pytest.raises(cv.UserError, match="optimizer"):
        fitted((X, Y), (X, Y), optimizer="adamm")
