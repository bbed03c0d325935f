"""Which candidates of a trial go on, what is worth a trial, and when: the decisions between the marks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from convergent.engine.plan import Plan
from convergent.treat.branch import new_branch, snapshot
from convergent.treat.candidates import candidates
from convergent.treat.consult import harmful
from convergent.treat.own_optimizer import own_optimizer
from convergent.treat.patient import Patient
from convergent.treat.remedies.amount import LESS_REGULARISED
from convergent.treat.remedies.losses import CLASS_WEIGHTED
from convergent.treat.remedies.network import TRAINABLE_ALL
from convergent.treat.remedies.preparation import RESAMPLED
from convergent.treat.remedies.remedy import Case
from convergent.treat.treatment import Treatment
from convergent.treat.trial import Attempt, Contest
from convergent.treat.yardstick import Yardstick
from test_remedies import FOUND, patient_of
from test_treatment import fit, mlp, moons
from test_trials import found


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def contest(untreated: Tensor) -> Contest:
    targets = torch.randn(len(untreated))
    yardstick = Yardstick("numbers", False, nn.MSELoss())
    return Contest(patient_of("mlp"), Plan(), 100, {10: (targets, targets)}, yardstick, print, curves={10: untreated})


def attempt(patient: Patient, scores: Tensor) -> Attempt:
    return Attempt(patient, scores=scores, curve=[(10, float(scores.mean()))])


def scored(*means: float) -> tuple[Contest, list[Attempt]]:
    """Candidates whose scores scatter by 0.5 over 100 samples, each sample by itself."""
    g = torch.Generator().manual_seed(0)
    made = [attempt(patient_of("mlp"), mean + 0.5 * torch.randn(100, generator=g).double()) for mean in means]
    return contest(torch.full((100,), 2.0).double()), made


def test_what_answers_the_cause_stays_where_others_are_ahead_by_noise_alone() -> None:
    trial, (first, second, third) = scored(1.0, 0.98, 0.97)
    alive = sorted((first, second, third), key=lambda one: one.score)
    assert first in trial._better_half(alive, first)
    assert trial.chosen(alive, first) is first


def test_what_answers_the_cause_goes_where_another_is_clearly_ahead() -> None:
    trial, (first, second, third, fourth) = scored(1.0, 0.1, 0.5, 0.9)
    alive = sorted((first, second, third, fourth), key=lambda one: one.score)
    half = trial._better_half(alive, first)
    assert len(half) == 2 and half[0] is second and half[1] is third
    assert trial.chosen(alive, first) is not first


def test_a_first_choice_that_does_not_help_is_not_chosen() -> None:
    trial, (first, second) = scored(1.95, 1.8)
    assert trial.chosen([second, first], first) is second


def test_early_trials_together_leave_half_of_the_budget() -> None:
    treatment = Treatment(new_branch(patient_of("mlp"), Plan(), 400), Plan(), 200, print)
    assert treatment._share(20) == 100
    treatment.budget -= 100  # an early trial has taken its share
    assert treatment._share(40) == 0 and treatment._share(100) == 100
    treatment.branch.consultant.close()


def test_late_in_a_training_only_what_came_over_it_is_tried() -> None:
    x, y = moons()
    patient = patient_of("mlp")
    samples = type(patient.train)((x, y))  # type: ignore[call-arg]
    patient = replace(patient, model=mlp(), train=samples, valid=samples)
    branch = new_branch(patient, Plan(), 40)
    treatment = Treatment(branch, Plan(), 20, print)
    branch.advance(20)
    treatment.consult()
    assert treatment.healthy is not None
    branch.advance(30)
    treatment.outputs[30] = branch.outputs()
    assert treatment._attempts([found("data/inputs-not-normalized")], 30, "") == []
    late = treatment._attempts([found("training/divergence", step=25)], 30, "")
    assert late and all(one.start is not None and one.start.step == 20 for one in late)
    branch.consultant.close()


def test_a_training_that_diverged_unexplained_goes_back_to_where_it_was_healthy() -> None:
    x, y = moons()
    patient = patient_of("mlp")
    samples = type(patient.train)((x, y))  # type: ignore[call-arg]
    patient = replace(patient, model=mlp(), train=samples, valid=samples)
    branch = new_branch(patient, Plan(), 40)
    treatment = Treatment(branch, Plan(), 20, print)
    branch.advance(20)
    treatment.consult()
    branch.advance(26)
    branch.consultant.findings = lambda: []  # type: ignore[method-assign]
    assert treatment.rescue("the validation loss is nan")
    assert treatment.branch.state.progress.step == 30 and treatment.told[0]["findings"] == ["training/divergence"]
    assert treatment.told[0]["attempts"][0]["from_step"] == 20
    treatment.branch.consultant.close()


def test_a_snapshot_brings_back_the_best_weights_with_their_score() -> None:
    branch = new_branch(patient_of("mlp"), Plan(), 20)
    branch.advance(2)
    branch.state.note_evaluation(0.5, False, branch.patient.config)
    best = branch.state.best_weights
    start = snapshot(branch)
    branch.advance(4)
    branch.state.note_evaluation(0.1, False, branch.patient.config)
    back = new_branch(branch.patient, Plan(), 20, start).state
    assert back.progress.best == 0.5 and back.best_weights is not None and best is not None
    assert all(torch.equal(value, back.best_weights[name]) for name, value in best.items())


def test_the_score_of_a_treated_training_is_that_of_its_own_best_weights() -> None:
    model, (x, y) = mlp(), moons()
    optimizer = torch.optim.SGD(model.parameters(), 60.0, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    result = fit(model, (x, y), loss, optimizer, epochs=40, warmup=0.99)
    with torch.no_grad():
        assert result.valid["loss"] == pytest.approx(float(loss(result.model(x[300:]), y[300:])), rel=1e-4)


def test_classes_that_are_hardly_unequal_are_not_weighed() -> None:
    patient = patient_of("mlp")
    x = patient.train.batch(torch.arange(64).numpy()).inputs[0]
    equal, rare = torch.arange(64) % 3, (torch.arange(64) % 8 == 0).long()
    for targets, applies in ((equal, False), (rare, True)):
        samples = type(patient.train)((x, targets))  # type: ignore[call-arg]
        case = Case(replace(patient, train=samples), FOUND)
        assert (CLASS_WEIGHTED.change(case) is not None) is applies
        assert (RESAMPLED.change(case) is not None) is applies


def test_an_output_layer_is_unfrozen_with_the_layers_that_were_frozen_by_accident() -> None:
    model = mlp(6, 3)
    model[2].requires_grad_(False)  # type: ignore[index]
    model[4].requires_grad_(False)  # type: ignore[index]
    patient = replace(patient_of("mlp"), model=model)
    named = found("setup/parameters-not-trained", layers={"2": "frozen at its random initialisation"})
    treated = TRAINABLE_ALL.change(Case(patient, named))
    assert treated is not None and all(p.requires_grad for p in treated.model.parameters())
    silent = TRAINABLE_ALL.change(Case(patient, found("setup/parameters-not-trained", layers={"2": "not used"})))
    assert silent is None  # nothing was frozen by accident: the output layer is its owner's business


@pytest.mark.parametrize(
    ("dropout", "make", "decay", "applies"),
    [
        (0.97, torch.optim.Adam, 0.0, True),
        (0.3, torch.optim.Adam, 0.0, False),
        (0.0, torch.optim.Adam, 0.1, True),
        (0.0, torch.optim.AdamW, 0.1, False),
        (0.0, torch.optim.SGD, 5e-4, False),
    ],
)
def test_regularisation_beyond_the_usual_is_taken_from_a_training_that_fails(
    dropout: float, make: Any, decay: float, applies: bool
) -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))
    own = own_optimizer(make(model.parameters(), lr=1e-3, weight_decay=decay), model)
    patient = replace(patient_of("mlp"), model=model).with_own(own)
    treated = LESS_REGULARISED.change(Case(patient, FOUND))
    assert (treated is not None) is applies
    if treated is not None and treated.own is not None:
        assert all(m.p == 0 for m in treated.model.modules() if isinstance(m, nn.Dropout))
        assert all(not group.options["weight_decay"] for group in treated.own.groups) or not decay


def test_the_first_remedy_with_a_good_optimizer_is_among_the_first_that_are_tried() -> None:
    tried = candidates(patient_of("mlp"), [found("setup/bad-initialization")])
    assert [change.remedy for change in tried[1].changes] == ["initialise", "adamw"]


def test_that_some_classes_are_not_predicted_yet_starts_no_early_trial() -> None:
    collapse, fits = found("result/class-collapse", "warning"), found("training/overfitting", "warning")
    assert harmful([collapse, fits], fails=True, early=True) == []
    assert harmful([collapse, fits], fails=False, early=False) == [collapse, fits]
    assert harmful([found("result/class-collapse")], fails=True, early=True) != []
    unequal = found("data/class-imbalance", "info")
    assert collapse in harmful([collapse, unequal], fails=False, early=True)


def test_sequences_in_raw_units_are_standardised_though_little_shows_at_first() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.head(self.rnn(x)[0][:, -1])
            return logits

    x = torch.randn(640, 10, 2, generator=torch.Generator().manual_seed(3))
    y = (x[:, :, 0].cumsum(1).sign().sum(1) > 0).long()
    torch.manual_seed(0)
    model = Recurrent()
    result = fit(
        model, (800 + 250 * x, y), nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 5e-3), epochs=15
    )
    assert "standardise-inputs" in [name for one in result.treatments for name in one["kept"]]
