"""Treatment: faults put into small trainings are repaired, healthy ones are left alone, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import convergent as cv
from convergent.types import Finding

QUICK: dict[str, Any] = {"plan": "off", "batch_size": 32}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def moons(count: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two interleaved half-circles, standardised."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 2, (count,), generator=g)
    t = torch.rand(count, generator=g) * 3.1416
    x = torch.stack([torch.where(y == 0, t.cos(), 1 - t.cos()), torch.where(y == 0, t.sin(), 0.5 - t.sin())], 1)
    x = x + 0.1 * torch.randn(count, 2, generator=g)
    return (x - x.mean(0)) / x.std(0), y


def waves(count: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A smooth function of four numbers."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 4, generator=g)
    return x, (x[:, :1].sin() + x[:, 1:2] * x[:, 2:3])


def mlp(inputs: int = 2, outputs: int = 2, width: int = 32) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def fit(
    model: nn.Module, data: Any, loss: Any, optimizer: Any, *, treat: str = "auto", epochs: int = 20, **options: Any
) -> Any:
    x, y = data
    rows = len(x) * 3 // 4
    trainer = cv.Trainer(model, loss=loss, optimizer=optimizer, epochs=epochs, **{**QUICK, **options})
    return trainer.fit((x[:rows], y[:rows]), (x[rows:], y[rows:]), treat=treat)


def accuracy(result: Any, data: tuple[Tensor, Tensor]) -> float:
    x, y = data
    with torch.no_grad():
        return (result.model(x[300:]).argmax(1) == y[300:]).float().mean().item()


def kept(result: Any) -> list[str]:
    return [name for one in result.treatments for name in one["kept"]]


def test_healthy_training_is_left_alone_bit_for_bit() -> None:
    results = []
    for treat in ("off", "auto"):
        model = mlp()
        results.append(
            fit(model, moons(), nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 3e-3), treat=treat)
        )
    assert kept(results[1]) == []
    for a, b in zip(results[0].model.parameters(), results[1].model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_learning_rate_too_high_is_brought_down() -> None:
    model, data = mlp(), moons()
    result = fit(model, data, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 20.0, momentum=0.9))
    assert kept(result) and accuracy(result, data) > 0.9


def test_learning_rate_too_low_is_raised() -> None:
    model, data = mlp(4, 1), waves(1200)
    result = fit(model, data, nn.MSELoss(), torch.optim.SGD(model.parameters(), 1e-6), epochs=30)
    assert kept(result)
    x, y = data
    with torch.no_grad():
        left = ((result.model(x[900:]) - y[900:]) ** 2).mean() / y[900:].var()
    assert left < 0.5


def test_raw_inputs_are_standardised_within_the_network() -> None:
    x, y = moons()
    data = (x * torch.tensor([1.0, 3000.0]) + torch.tensor([0.0, 9000.0]), y)
    model = mlp()
    result = fit(model, data, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.05))
    assert "standardise-inputs" in kept(result)
    assert accuracy(result, data) > 0.85  # of the raw inputs


def test_targets_far_from_unit_scale_are_learned_in_their_own_units() -> None:
    x, y = waves()
    data = (x, 500 + 80 * y)
    model = mlp(4, 1)
    result = fit(model, data, nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3), epochs=30)
    assert "standardise-targets" in kept(result)
    with torch.no_grad():
        error = ((result.model(x[300:]) - data[1][300:]) ** 2).mean() / data[1][300:].var()
    assert error < 0.5


def test_softmax_before_cross_entropy_is_taken_away() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2), nn.Softmax(1))
    x, y = moons()
    result = fit(model, (x, y), nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.01), epochs=30)
    assert {"bare-output", "loss"} & set(kept(result))
    assert not any(isinstance(m, nn.Softmax) for m in result.model.modules())


class Deep(nn.Module):
    """Ten sigmoid layers, called as functions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(2, 16), *(nn.Linear(16, 16) for _ in range(8))])
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        logits: Tensor = self.head(x)
        return logits


def test_a_stack_of_sigmoids_gets_another_activation_though_they_are_no_modules() -> None:
    model, data = Deep(), moons()
    result = fit(model, data, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 3e-3), epochs=30)
    assert kept(result) and accuracy(result, data) > 0.85


def test_equal_weights_are_drawn_anew() -> None:
    model, data = mlp(), moons()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.05)
    result = fit(model, data, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 3e-3), epochs=30)
    assert "initialise" in kept(result) and accuracy(result, data) > 0.9


def test_a_frozen_backbone_stays_frozen() -> None:
    model, data = mlp(), moons()
    for parameter in model[:3].parameters():  # type: ignore[index]
        parameter.requires_grad_(False)
    before = [parameter.clone() for parameter in model[:3].parameters()]  # type: ignore[index]
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1e-7)
    result = fit(model, data, nn.CrossEntropyLoss(), optimizer)
    frozen = [p for p in result.model.parameters() if not p.requires_grad]
    if "unfreeze" not in kept(result):
        assert all(torch.equal(a, b) for a, b in zip(before, frozen, strict=True))


def test_tied_weights_stay_tied() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight
            self.head = nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.head(torch.relu(self.second(torch.relu(self.first(x)))))
            return y

    x, y = waves()
    model = Tied()
    result = fit(model, (x, 300 + 90 * y), nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3))
    assert kept(result)
    net = next(m for m in result.model.modules() if isinstance(m, Tied))
    assert net.first.weight is net.second.weight


def test_asking_no_changes_nothing_and_is_written_down() -> None:
    asked: list[tuple[Finding, Sequence[str], int]] = []

    def no(finding: Finding, tries: Sequence[str], steps: int) -> bool:
        asked.append((finding, tries, steps))
        return False

    x, y = waves()
    trainer = cv.Trainer(model := mlp(4, 1), loss=nn.MSELoss(), optimizer=torch.optim.Adam(model.parameters(), 3e-3),
                         epochs=20, **QUICK)  # fmt: skip
    rows = 300
    result = trainer.fit((x[:rows], 500 + 80 * y[:rows]), (x[rows:], 500 + 80 * y[rows:]), treat="ask", ask=no)
    assert asked and asked[0][0].code == "data/targets-not-scaled" and asked[0][2] > 0
    assert result.treatments[0]["declined"] and not kept(result)
    assert result.model is model


def test_asking_without_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = waves()
    model = mlp(4, 1)
    with pytest.raises(cv.UserError, match="no terminal"):
        fit(model, (x, 500 + 80 * y), nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3), treat="ask")


def test_a_budget_of_zero_only_watches() -> None:
    x, y = waves()
    model = mlp(4, 1)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    result = fit(model, (x, 500 + 80 * y), nn.MSELoss(), optimizer, treat_budget=0.0)
    assert result.treatments == []
    assert "data/targets-not-scaled" in [one.code for one in result.findings]


class NoCopy(nn.Module):
    """Holds what can't be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(4, 1)

    def __deepcopy__(self, memo: Any) -> NoCopy:
        raise TypeError("this holds a device")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(x)
        return y


def test_a_model_that_cannot_be_copied_trains_untreated_and_it_is_said() -> None:
    x, y = waves()
    model = NoCopy()
    result = fit(model, (x, 500 + 80 * y), nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3))
    said = [line["text"] for line in result.history if line["kind"] == "treatment"]
    assert any("can't be copied" in text for text in said)
    assert result.model is model and result.steps > 0


def test_data_that_can_be_read_only_once_is_refused() -> None:
    with pytest.raises(cv.UserError, match="map-style Dataset"):
        cv.Trainer(mlp(), loss=nn.CrossEntropyLoss(), **QUICK).fit(iter([]), iter([]), treat="auto")


def test_a_fault_beyond_repair_is_said_and_nothing_is_changed() -> None:
    x, y = moons()
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]
    model = mlp()
    result = fit(model, (x, shuffled), nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 3e-3))
    assert kept(result) == []
    assert "data/labels-shuffled" in [one.code for one in result.findings]


def test_treatments_leave_their_trace_in_the_journal() -> None:
    x, y = waves()
    model = mlp(4, 1)
    result = fit(model, (x, 500 + 80 * y), nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3))
    one = next(line["treatment"] for line in result.history if line["kind"] == "treated")
    assert one["kept"] and one["gain"] > 3 * one["error"] and one["untreated"]
    assert any("y_train" in line for attempt in one["attempts"] if attempt["kept"] for line in attempt["code"])


def test_lbfgs_is_refused_with_the_reason() -> None:
    model = mlp()
    with pytest.raises(cv.UserError, match="LBFGS"):
        cv.Trainer(model, loss=nn.CrossEntropyLoss(), optimizer=torch.optim.LBFGS(model.parameters()))


def test_an_optimizer_of_another_model_is_refused() -> None:
    other = mlp()
    with pytest.raises(cv.UserError, match="no parameter of the model"):
        cv.Trainer(mlp(), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(other.parameters(), 0.1))


def test_a_loss_that_refuses_the_output_at_the_first_step_is_exchanged() -> None:
    x, y = moons()
    model = mlp(outputs=1)
    result = fit(model, (x, y[:, None].float()), nn.BCELoss(), torch.optim.Adam(model.parameters(), 3e-3))
    assert "loss" in kept(result)
    with torch.no_grad():
        assert ((result.model(x[300:]) > 0)[:, 0] == y[300:]).float().mean() > 0.85


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(cv.UserError, match="Give the network"):
        cv.Trainer(mlp, loss=nn.CrossEntropyLoss())  # type: ignore[arg-type]
