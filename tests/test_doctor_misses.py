"""Faults that were once missed, and healthy trainings that once looked like one: each rule fires here and is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import convergent as cv
from convergent.doctor.diagnose import judge
from convergent.doctor.evaluations import EvaluationLog, evaluations_of
from convergent.doctor.experiments.chance import chance_loss, floor_loss
from convergent.doctor.record import Evidence
from convergent.types import Finding
from recorded import (
    blobs,
    call,
    evaluation,
    evidence,
    fall,
    inputs,
    numbers,
    regression,
    samples,
    stuck,
    tried,
    with_data,
)

N, C = 480, 4


def codes(one: Evidence) -> list[str]:
    return [found.code for found in judge(one)]


def data(shape: tuple[int, ...], least: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(2)
    y = torch.randint(least, C, (N,), generator=g)
    return 1.5 * torch.randn(C, *shape, generator=g)[y] + torch.randn(N, *shape, generator=g), y


def table() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, C))


def images() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, C))


KINDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {"mlp": (table, (8,)), "cnn": (images, (1, 8, 8))}


def indexed(output: Tensor, y: Tensor) -> Tensor:
    return -output.log_softmax(1)[torch.arange(len(y)), y].mean()


def gathered(output: Tensor, y: Tensor) -> Tensor:
    return -F.log_softmax(output, dim=-1).gather(-1, y[:, None]).sum()


def squares(output: Tensor, y: Tensor) -> Tensor:
    return ((output - F.one_hot(y % C, C).float()) ** 2).mean()


LOSSES = {"index": indexed, "gather": gathered, "torch's": F.cross_entropy, "squares": squares}


def train(kind: str, loss: Callable[[Tensor, Tensor], Tensor], sign: float = 1.0, least: int = 0) -> list[Finding]:
    torch.manual_seed(0)
    make, shape = KINDS[kind]
    model, (x, y) = make(), data(shape, least)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with cv.Doctor(model, optimizer) as doctor:
        for _ in range(6):
            model.train()
            for rows in torch.randperm(360).split(24):
                value = sign * loss(model(x[rows]), y[rows])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                doctor.step(value)
            model.eval()
            with torch.no_grad():
                (model(x[360:]).argmax(1) == y[360:]).float().mean()
    return doctor.findings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_sign_of_a_loss(kind: str, loss: str) -> None:
    climbing = train(kind, LOSSES[loss], sign=-1.0)
    assert "training/divergence" in [f.code for f in climbing]
    if loss != "squares":  # a distance to classes is wrong in itself
        assert climbing[0].code == "training/divergence" and climbing[0].severity == "critical"
    healthy = [f.code for f in train(kind, LOSSES[loss]) if f.severity != "info"]
    assert healthy == ([] if loss != "squares" else healthy) and "training/divergence" not in healthy


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["index", "gather"])
def test_a_negative_label_under_a_cross_entropy_by_hand(kind: str, loss: str) -> None:
    def picked(output: Tensor, y: Tensor) -> Tensor:
        return LOSSES[loss](output, y % C) if loss == "gather" else LOSSES[loss](output, y)

    found = train(kind, picked, least=-1)
    expected = loss == "index"  # `gather` refuses negative numbers itself
    assert (bool(found) and found[0].code == "data/invalid-labels") == expected


def test_actions_of_a_policy_are_no_labels() -> None:
    torch.manual_seed(0)
    model, (x, y) = table(), data((8,))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with cv.Doctor(model, optimizer) as doctor:
        for rows in [part for _ in range(6) for part in torch.randperm(N).split(24)]:
            log_shares = model(x[rows]).log_softmax(1)
            actions = torch.distributions.Categorical(logits=log_shares.detach()).sample()
            reward = (actions == y[rows]).float()
            loss = -(log_shares.gather(1, actions[:, None])[:, 0] * (reward - reward.mean())).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            doctor.step(loss)
    about_labels = {"data/labels-shuffled", "data/label-noise", "data/class-imbalance", "setup/loss-at-init"}
    assert not about_labels & {f.code for f in doctor.findings}


def test_a_training_that_ends_while_the_metric_still_rises() -> None:
    def one(*metrics: float, samples: int = 500) -> Evidence:
        made = [
            evaluation(40 * k, metric=m, loss=None, interval=None, samples=samples) for k, m in enumerate(metrics, 1)
        ]
        return evidence(losses=fall(end=0.9), evaluations=made)

    assert codes(one(0.38, 0.55, 0.64)) == ["result/stopped-early"]
    # At rest, far below what the neighbours of its samples tell, it underfits: training on would not help.
    assert codes(one(0.38, 0.63, 0.64)) == ["training/underfitting"]
    assert codes(one(0.38, 0.55, 0.64, samples=40)) == ["training/underfitting"]


def swinging(within: float, between: float) -> Evidence:
    draw = np.random.default_rng(0)
    level = 1.0 + between * np.where(np.arange(120) // 10 % 2, 1.0, -1.0)
    losses = level * (1 + within * (draw.chisquare(1, 120) - 1))
    return evidence(losses=losses.clip(0.01).tolist(), evaluations=[])


def test_swings_beyond_the_draw_of_the_batches() -> None:
    assert "training/oscillating-loss" in codes(swinging(within=0.1, between=0.4))
    for noise in (0.3, 0.6, 1.0):
        assert "training/oscillating-loss" not in codes(swinging(within=noise, between=0.0))


def test_dead_units_of_a_training_that_is_well_on_its_way() -> None:
    half = evidence(losses=fall(end=0.7), evaluations=[], dead_units={"a": 0.6}, batch_size=32)
    assert codes(half) == []
    assert "training/dying-relu" in codes(replace(half, dead_units={"a": 0.9}))
    assert "training/dying-relu" in codes(replace(half, losses=fall(end=1.2)))


def test_soft_targets_have_a_floor() -> None:
    pixels = torch.full((64, 5), 0.3)
    pixels[::2] = 0.7
    pictures = replace(blobs(count=64), inputs=pixels, targets=pixels)
    one = with_data(evidence(), train=pictures, loss=call("bce", target_shape=(24, 5), output_shape=(24, 5)))
    assert floor_loss(one) == pytest.approx(0.6109, abs=1e-3) and chance_loss(one) == pytest.approx(0.6931, abs=1e-3)
    assert floor_loss(evidence()) == pytest.approx(0.0, abs=1e-6)


def test_modes_that_differ_come_before_overfitting() -> None:
    scores = [evaluation(step, loss=1.9, interval=(1.8, 2.0), metric=0.4) for step in (40, 80, 119)]
    one = evidence(losses=fall(end=0.2), evaluations=scores, has_switches=True)
    assert codes(tried(one, train_mode_loss=0.2, eval_mode_loss=1.8))[0] == "result/train-eval-gap"
    assert "training/overfitting" not in codes(tried(one, train_mode_loss=0.2, eval_mode_loss=1.8))
    assert codes(tried(one, train_mode_loss=0.2, eval_mode_loss=0.2))[0] == "training/overfitting"


def test_a_few_broken_samples_are_no_other_preprocessing() -> None:
    def broken(x: Tensor) -> Tensor:
        x = x.clone()
        x[7] *= 3e5
        return x

    assert codes(inputs(broken))[0] == "data/inputs-not-normalized"
    assert "data/preprocessing-mismatch" not in codes(inputs(broken))
    assert "data/preprocessing-mismatch" in codes(inputs(lambda x: 40 * x))
    heavy = torch.distributions.LogNormal(0.0, 1.0)
    torch.manual_seed(0)
    assert "rows" not in " ".join(f.where for f in judge(inputs(lambda x: heavy.sample(x.shape) / 3, stuck())))


def test_mixed_samples_carry_no_wrong_labels() -> None:
    one = evidence()
    assert one.data.train is not None and one.data.train.targets is not None
    g = torch.Generator().manual_seed(3)
    y = one.data.train.targets.clone()
    rows = torch.rand(len(y), generator=g) < 0.3
    y[rows] = torch.randint(C, (int(rows.sum()),), generator=g)
    hard = F.one_hot(y, C).float()
    mixed = 0.6 * hard + 0.4 * F.one_hot((y + 1) % C, C).float()

    def soft(targets: Tensor) -> Evidence:
        assert one.data.train is not None
        return with_data(one, train=replace(one.data.train, targets=targets), loss=call(target_is_index=False))

    assert "data/label-noise" in codes(soft(hard))
    assert "data/label-noise" not in codes(soft(mixed))


def scored(target: Tensor, output: Tensor) -> float | None:
    log = EvaluationLog()
    for y, guess in zip(target.split(20), output.split(20), strict=True):
        log.add_inputs(torch.randn(len(y), 3))
        log.compare(5, "mse", guess, y, False, False)
    (one,) = evaluations_of(log.chunks, set())
    return one.metric


def test_the_skill_on_numbers_far_from_zero_and_on_columns_of_their_own_level() -> None:
    g = torch.Generator().manual_seed(0)
    far = 1e6 + 100 * torch.randn(60, 1, generator=g)
    assert scored(far, far) == pytest.approx(1.0, abs=1e-3)
    assert scored(far, far.mean().expand_as(far)) == pytest.approx(0.0, abs=1e-2)
    levels = torch.tensor([1000.0, 0.0, -50.0]) + torch.randn(60, 3, generator=g)
    assert scored(levels, levels.mean(0).expand_as(levels)) == pytest.approx(0.0, abs=1e-3)
    assert scored(levels, levels) == pytest.approx(1.0, abs=1e-3)
    pictures = torch.randn(60, 1, 4, 4, generator=g)
    assert scored(pictures, torch.zeros_like(pictures)) == pytest.approx(0.0, abs=1e-2)


def test_the_size_of_a_gradient_says_nothing_to_an_optimiser_that_divides_by_it() -> None:
    summed = stuck(samples=samples(grad_norm={"a": 1e5}, weight_norm={"a": 3.0}))
    assert "training/exploding-gradient" in codes(summed)
    assert "training/exploding-gradient" not in codes(replace(summed, adaptive=True))


def test_outputs_are_constant_by_the_spread_of_their_targets() -> None:
    tiny = samples(output_std=1e-6)
    assert "training/constant-output" in codes(replace(regression(numbers(1.0)), samples=tiny))
    assert "training/constant-output" not in codes(replace(regression(numbers(1e-6)), samples=tiny))


class Graph(nn.Module):
    """Each node sees the mean of all: what a network over a graph does on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.others = nn.Linear(8, C), nn.Linear(8, C)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.own(x) + self.others(x.mean(0, keepdim=True)).expand(len(x), -1)
        return y


@pytest.mark.parametrize("batch", [N, 48])
def test_nodes_that_are_always_together_may_tell_each_other(batch: int) -> None:
    x, y = data((8,))
    model = Graph()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with cv.Doctor(model, optimizer) as doctor:
        for step in range(60):
            rows = torch.arange(step * batch, (step + 1) * batch) % N
            loss = F.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            doctor.step(loss)
    assert ("setup/samples-mix-in-batch" in [one.code for one in doctor.findings]) == (batch < N)
