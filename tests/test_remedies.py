"""Every remedy on every kind of network: it applies or it does not, and what it gives trains and fits the metric."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import convergent as cv
from convergent.engine.plan import Plan
from convergent.engine.step import Recipe
from convergent.task import supervised_step
from convergent.trainer import TensorSamples
from convergent.treat.branch import new_branch
from convergent.treat.consult import Consultant
from convergent.treat.own_optimizer import own_optimizer
from convergent.treat.patient import Patient
from convergent.treat.remedies import TREATS
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.surgery import anatomy
from convergent.treat.yardstick import compare, make_yardstick
from convergent.types import Finding


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.rnn = kind(3, 8, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.rnn(x)[0][:, -1])
        return logits


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layer(self.first(x)).mean(1))
        return logits


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.extra = [nn.Linear(8, 8)]

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.second(torch.sigmoid(self.first(x))))
        return torch.softmax(self.head(self.extra[0](x).relu()), 1)


def network(kind: str) -> tuple[nn.Module, tuple[int, ...]]:
    torch.manual_seed(0)
    match kind:
        case "mlp":
            layers = [nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 3), nn.Softmax(1)]
            return nn.Sequential(*layers), (6,)
        case "cnn":
            convs = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()]
            return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), (1, 6, 6)
        case "lstm":
            return Recurrent(nn.LSTM), (5, 3)
        case "gru":
            return Recurrent(nn.GRU), (5, 3)
        case "transformer":
            return Transformer(), (5, 3)
    return Functional(), (6,)


def patient_of(kind: str, targets: str = "classes") -> Patient:
    model, shape = network(kind)
    g = torch.Generator().manual_seed(0)
    x = 5 + 3 * torch.randn(64, *shape, generator=g)
    y: Tensor = torch.randint(0, 3, (64,), generator=g)
    loss: Any = nn.CrossEntropyLoss()
    if targets == "numbers":
        y, loss = 100 + 9 * torch.randn(64, 3, generator=g), nn.MSELoss(reduction="sum")
    config = cv.Config(optimizer=None, learning_rate=0.1, batch_size=16, schedule="constant", warmup=0.0)
    own = own_optimizer(torch.optim.SGD(model.parameters(), 0.1, momentum=0.99, weight_decay=0.1), model)
    recipe = Recipe(supervised_step, loss, None, config, torch.device("cpu"), optimizers=own)
    samples = TensorSamples((x, y))
    return Patient(model, recipe, samples, samples, 16, Consultant, own)


EVERY = {remedy.name: remedy for remedies in TREATS.values() for remedy in remedies}
FOUND = Finding(
    code="training/underfitting", severity="critical", where="", message="",
    evidence={"update_ratio": 0.5, "pairs": [["0", "2"]], "layers": {"0": "frozen at its random initialisation"}},
)  # fmt: skip


@pytest.mark.parametrize("targets", ["classes", "numbers"])
@pytest.mark.parametrize("kind", ["mlp", "cnn", "lstm", "gru", "transformer", "functional"])
@pytest.mark.parametrize("remedy", EVERY.values(), ids=list(EVERY))
def test_a_remedy_applies_or_not_and_what_it_gives_trains(remedy: Remedy, kind: str, targets: str) -> None:
    patient = patient_of(kind, targets)
    before = copy.deepcopy(patient.model.state_dict())
    treated = remedy.change(Case(patient, FOUND))
    for name, value in patient.model.state_dict().items():
        assert torch.equal(value, before[name]), "a remedy changed the training that it was given"
    if treated is None:
        return
    assert treated.changes and treated.changes[-1].detail
    branch = new_branch(treated, Plan(), 20)
    branch.advance(2)
    outputs, y = branch.outputs()
    assert outputs.shape == (64, 3) and len(y) == 64
    branch.consultant.close()


@pytest.mark.parametrize("kind", ["mlp", "functional"])
def test_hidden_activations_are_exchanged_and_the_last_stays(kind: str) -> None:
    patient = patient_of(kind)
    treated = EVERY["relu"].change(Case(patient, FOUND))
    assert treated is not None
    x = torch.randn(4, 6)
    assert torch.allclose(treated.model(x).sum(1), torch.ones(4), atol=1e-5)  # the softmax is there
    bare = EVERY["bare-output"].change(Case(patient, FOUND))
    assert bare is not None and not torch.allclose(bare.model(x).sum(1), torch.ones(4), atol=1e-3)


def test_modules_in_a_plain_list_are_registered_and_trained() -> None:
    patient = patient_of("functional")
    treated = EVERY["unfreeze"].change(Case(patient, FOUND))
    assert treated is not None and treated.own is not None
    names = {name for group in treated.own.groups for name in group.names}
    assert {"extra.0.weight", "extra.0.bias"} <= names


def test_the_anatomy_of_a_network_is_seen_by_running_it() -> None:
    model, _ = network("mlp")
    model.train()
    seen = anatomy(model, (torch.randn(2, 6),))
    assert seen.layers == ["0", "2", "4"] and seen.calls == ["sigmoid", "sigmoid", "softmax"]
    assert seen.ends_in == "softmax" and model.training


@settings(max_examples=60, deadline=None)
@example(208, 85.0, 3)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.integers(2, 5))
def test_scores_of_classes_do_not_depend_on_the_scale_of_the_logits_by_much(
    seed: int, scale: float, count: int
) -> None:
    g = torch.Generator().manual_seed(seed)
    logits, y = torch.randn(50, count, generator=g), torch.randint(0, count, (50,), generator=g)
    yardstick = make_yardstick(logits, y, nn.CrossEntropyLoss(), False)
    one, other = (float(yardstick.scores(factor * logits, y).mean()) for factor in (1.0, scale))
    knowing_nothing = float(torch.tensor(float(count)).log())
    assert one <= knowing_nothing + 1e-6 and other <= knowing_nothing + 1e-6
    assert abs(one - other) < 0.1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_a_training_that_broke_has_a_finite_score_and_is_not_better(seed: int, value: float) -> None:
    g = torch.Generator().manual_seed(seed)
    outputs, y = torch.randn(40, 1, generator=g), torch.randn(40, 1, generator=g)
    yardstick = make_yardstick(outputs, y, nn.MSELoss(), False)
    good, broken = yardstick.scores(y + 0.1 * outputs, y), yardstick.scores(torch.full_like(y, value), y)
    weights = yardstick.weights(y, len(good))
    assert bool(torch.isfinite(broken).all())
    assert compare(broken, good, weights).better and not compare(good, broken, weights).better


def test_unequal_classes_weigh_the_same() -> None:
    y = torch.tensor([0] * 90 + [1] * 10)
    yardstick = make_yardstick(torch.zeros(100, 2), y, nn.CrossEntropyLoss(), True)
    weights = yardstick.weights(y, 100)
    assert float(weights[:90].sum()) == pytest.approx(0.5)
