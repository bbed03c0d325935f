"""How trials are made: what is tried, from where, on which samples, and what a healthy training pays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convergent.engine.plan import Plan
from convergent.treat.branch import can_begin_from, new_branch, snapshot
from convergent.treat.candidates import candidates
from convergent.treat.chosen import ReplacedSamples
from convergent.treat.consult import harmful
from convergent.treat.identity import fingerprint
from convergent.treat.remedies.amount import AUGMENTED, LARGER_BATCH, SMALLER, SMALLER_BATCH, Warped
from convergent.treat.remedies.network import INITIALISED, dropout
from convergent.treat.remedies.poison import WITHOUT_BATCH, WITHOUT_POISON
from convergent.treat.remedies.preparation import STANDARDISED
from convergent.treat.remedies.remedy import Case
from convergent.treat.remedies.steps import ADAMW, CLIPPED, scaled_rate
from convergent.treat.treatment import Treatment
from convergent.treat.trial import Attempt, paired_again, run_trial, unsure
from convergent.treat.yardstick import Verdict, make_yardstick
from convergent.types import Batch, Finding
from test_remedies import FOUND, patient_of
from test_treatment import fit, kept, mlp, moons, waves


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def found(code: str, severity: Any = "critical", **evidence: Any) -> Finding:
    return Finding(code=code, severity=severity, where="", message="", evidence=evidence)


def test_a_learning_rate_and_then_an_optimizer_that_brings_its_own_is_that_optimizer() -> None:
    patient = patient_of("mlp")
    alone = ADAMW[0].change(Case(patient, FOUND))
    slower = scaled_rate(0.1).change(Case(patient, FOUND))
    assert alone is not None and slower is not None
    both = ADAMW[0].change(Case(slower, FOUND))
    assert both is not None and len(both.changes) == 2
    assert fingerprint(both) == fingerprint(alone) != fingerprint(slower) != fingerprint(patient)


@pytest.mark.parametrize(
    "remedy", [STANDARDISED, INITIALISED, dropout(0.3), CLIPPED, SMALLER_BATCH], ids=lambda r: r.name
)
def test_what_changes_a_training_changes_its_fingerprint_and_the_same_change_does_not(remedy: Any) -> None:
    patient = replace(patient_of("mlp"), batch_size=32)
    one, other = (remedy.change(Case(patient, FOUND)) for _ in range(2))
    assert fingerprint(one) == fingerprint(other) != fingerprint(patient)


def test_no_two_candidates_are_the_same_training() -> None:
    codes = ["training/learning-rate-too-high", "training/divergence", "training/oscillating-loss"]
    tried = candidates(patient_of("mlp"), [found(code) for code in codes], 40)
    assert len({fingerprint(one) for one in tried}) == len(tried) > 4


def test_a_branch_from_a_snapshot_goes_on_bit_for_bit() -> None:
    patient = patient_of("mlp")
    whole, first = new_branch(patient, Plan(), 20), new_branch(patient, Plan(), 20)
    whole.advance(10)
    first.advance(4)
    later = new_branch(patient, Plan(), 20, snapshot(first))
    first.advance(7)  # the snapshot is a copy
    later.advance(10)
    for a, b in zip(whole.state.model.parameters(), later.state.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_what_keeps_network_and_pace_begins_from_a_snapshot() -> None:
    patient = replace(patient_of("mlp"), batch_size=32)
    branch = new_branch(patient, Plan(), 20)
    branch.advance(2)
    start = snapshot(branch)
    able = {
        remedy.name: can_begin_from(treated, start)
        for remedy in (CLIPPED, ADAMW[0], STANDARDISED, INITIALISED, dropout(0.3), SMALLER_BATCH)
        if (treated := remedy.change(Case(patient, FOUND))) is not None
    }
    assert [name for name, yes in able.items() if yes] == [CLIPPED.name, ADAMW[0].name]


def test_a_fault_that_comes_over_a_healthy_training_is_tried_from_there() -> None:
    x, y = moons()
    patient = patient_of("mlp")
    samples = type(patient.train)((x, y))  # type: ignore[call-arg]
    patient = replace(patient, model=mlp(), train=samples, valid=samples)
    branch = new_branch(patient, Plan(), 200)
    treatment = Treatment(branch, Plan(), 100, lambda text: None)
    branch.advance(10)
    treatment.consult()
    branch.advance(20)
    treatment.outputs[20] = branch.outputs()
    tried = [CLIPPED.change(Case(patient, FOUND)), STANDARDISED.change(Case(patient, FOUND)), patient]
    patients = [one for one in tried if one is not None]
    start, able = treatment._start([found("training/loss-spike", step=15)], patients)
    assert start is not None and start.step == 10 and [one.changes[0].remedy for one in able if one.changes] == ["clip"]
    assert treatment._start([found("training/loss-spike", step=8)], patients)[0] is None  # it was there before
    assert treatment._start([found("setup/bad-initialization")], patients)[0] is None  # and so was this
    attempt = Attempt(able[0], start=start)
    yardstick = make_yardstick(*branch.outputs(), nn.CrossEntropyLoss(), False)
    trial = run_trial([attempt], patient, Plan(), 200, treatment.outputs, None, yardstick, 10, 10, lambda text: None)
    assert trial.steps == 10 and attempt.step == 20
    branch.consultant.close()


def test_a_learning_rate_that_rises_too_far_is_mended_within_the_budget() -> None:
    model, data = mlp(), moons()
    optimizer = torch.optim.SGD(model.parameters(), 60.0, momentum=0.9)
    result = fit(model, data, nn.CrossEntropyLoss(), optimizer, epochs=40, warmup=0.99)
    assert sum(one["steps"] for one in result.treatments) <= 0.5 * 360
    assert result.valid["loss"] < 0.3


def test_batches_of_another_size_make_as_many_passes() -> None:
    patient = replace(patient_of("mlp"), batch_size=16)
    treated = LARGER_BATCH.change(Case(patient, FOUND))
    assert treated is None  # 64 samples: four batches at least
    small = SMALLER_BATCH.change(Case(replace(patient, batch_size=32), FOUND))
    assert small is not None and small.batch_size == 8 and small.pace == 4.0
    untreated = new_branch(replace(patient, batch_size=32), Plan(), 20)
    untreated.advance(4)
    yardstick = make_yardstick(*untreated.outputs(), nn.CrossEntropyLoss(), False)
    attempt = Attempt(small)
    trial = run_trial([attempt], patient, Plan(), 20, {4: untreated.outputs()}, None, yardstick, 10, 10, print)
    assert attempt.branch is not None and attempt.branch.state.progress.step == 16 and attempt.branch.total_steps == 80
    assert trial.steps == 4 and attempt.step == 4


def test_a_few_poisoned_samples_are_left_out_by_name_and_all_other_batches_stay() -> None:
    x, y = waves(200)
    x[17, 2], y[120] = 1e9, float("nan")
    patient = patient_of("mlp")
    samples = type(patient.train)((x, y))  # type: ignore[call-arg]
    treated = WITHOUT_POISON.change(Case(replace(patient, train=samples), FOUND))
    assert treated is not None and isinstance(treated.train, ReplacedSamples)
    assert treated.train.left_out == (17, 120) and "item 17, item 120" in treated.changes[0].detail
    everything = treated.train.batch(np.arange(200))
    assert torch.isfinite(everything.targets).all() and everything.inputs[0].abs().max() < 100
    assert torch.equal(everything.inputs[0][18:120], x[18:120])
    assert WITHOUT_POISON.change(Case(treated, FOUND)) is None


def test_the_batch_of_a_spike_is_left_out() -> None:
    patient = patient_of("mlp")
    samples = type(patient.train)(waves(800))  # type: ignore[call-arg]
    patient = replace(patient, train=samples)
    treated = WITHOUT_BATCH.change(Case(patient, found("training/loss-spike", step=61)))
    assert treated is not None and isinstance(treated.train, ReplacedSamples)
    assert set(treated.train.left_out) == set(patient.batches.indices(1, 10, 11).tolist())


def test_poisoned_samples_end_to_end() -> None:
    x, y = waves(800)
    x[100:500:80, 2], y[100:500:80] = 2e5, -3e4
    model = mlp(4, 1)
    result = fit(model, (x, y), nn.MSELoss(), torch.optim.SGD(model.parameters(), 0.05, momentum=0.9))
    assert "skip-samples" in kept(result)
    with torch.no_grad():
        left = ((result.model(x[600:]) - y[600:]) ** 2).mean() / y[600:].var()
    assert left < 0.4


def test_images_are_warped_by_draws_of_their_own() -> None:
    images = torch.rand(6, 8, 8)
    one, same = (Warped()(Batch((images,), torch.arange(6)), torch.Generator().manual_seed(3), 0.0) for _ in range(2))
    assert one.inputs[0].shape == images.shape and torch.equal(one.inputs[0], same.inputs[0])
    assert not torch.allclose(one.inputs[0], images) and one.inputs[0].min() >= 0 and one.inputs[0].max() <= 1
    patient = patient_of("cnn")
    large = type(patient.train)((torch.randn(64, 1, 10, 10), torch.zeros(64).long()))  # type: ignore[call-arg]
    assert AUGMENTED.change(Case(replace(patient, train=large), FOUND)) is not None
    assert AUGMENTED.change(Case(patient_of("lstm"), FOUND)) is None


def test_a_plain_stack_gets_fewer_units() -> None:
    patient = replace(patient_of("mlp"), model=mlp(6, 3, width=128))
    treated = SMALLER.change(Case(patient, FOUND))
    assert treated is not None
    assert [m.out_features for m in treated.model if isinstance(m, nn.Linear)] == [32, 32, 3]  # type: ignore[union-attr]
    assert SMALLER.change(Case(patient_of("gru"), FOUND)) is None


def test_a_doubtful_gain_is_looked_at_with_other_draws() -> None:
    assert unsure(Verdict(1.0, 0.9, 0.1, 0.03, True)) and unsure(Verdict(1.0, 0.94, 0.06, 0.03, False))
    assert not unsure(Verdict(1.0, 0.1, 0.9, 0.03, True)) and not unsure(Verdict(1.0, 1.0, 0.0, 0.03, False))
    patient = patient_of("mlp")
    branch = new_branch(patient, Plan(), 20)
    branch.advance(5)
    outputs, targets = branch.outputs()
    yardstick = make_yardstick(outputs, targets, nn.CrossEntropyLoss(), False)
    scores = yardstick.scores(outputs, targets)
    same = paired_again((scores, scores - 0.1), patient, Attempt(patient), Plan(), 20, 5, yardstick)
    assert same is not None and not same.better  # the second pair, equal trainings, shows no gain


def test_warnings_of_looks_alone_start_no_trial() -> None:
    swings, fits = found("training/oscillating-loss", "warning"), found("training/overfitting", "warning")
    slow = found("training/slow-convergence", "warning")
    assert harmful([swings, fits, slow], fails=False, early=False) == [fits]
    assert harmful([swings, fits, slow], fails=True, early=True) == [swings]
    assert harmful([swings, slow], fails=True, early=False) == [swings, slow]


@pytest.mark.parametrize("kind", ["classes", "noisy", "numbers"])
def test_a_healthy_training_pays_nothing_but_the_watching(kind: str) -> None:
    model, loss = mlp(), nn.CrossEntropyLoss()
    x, y = moons()
    if kind == "noisy":
        flips = torch.rand(len(y), generator=torch.Generator().manual_seed(2)) < 0.2
        y = torch.where(flips, 1 - y, y)
    if kind == "numbers":
        (x, y), model, loss = waves(800), mlp(4, 1), nn.MSELoss()  # type: ignore[assignment]
    result = fit(model, (x, y), loss, torch.optim.Adam(model.parameters(), 3e-3))
    assert result.treatments == []


def test_training_samples_are_taken_out_of_the_validation_data() -> None:
    x, y = waves(600)
    x[500:560], y[500:560] = x[:60], y[:60]  # of the last quarter, 40 % are copies
    model = mlp(4, 1)
    result = fit(model, (x, y), nn.MSELoss(), torch.optim.Adam(model.parameters(), 3e-3))
    assert "re-split" in kept(result)
    assert sum(one["steps"] for one in result.treatments) == 0
    with torch.no_grad():
        clean = torch.cat([x[450:500], x[560:]]), torch.cat([y[450:500], y[560:]])
        assert result.valid["loss"] == pytest.approx(float(((result.model(clean[0]) - clean[1]) ** 2).mean()), rel=1e-4)
