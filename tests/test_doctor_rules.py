"""Every rule of the doctor, on evidence where it must speak and on evidence where it must not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from convergent.doctor.diagnose import judge
from convergent.doctor.findings import CODES, finding
from convergent.doctor.rank import EXPLAINS, ORDER, ranked
from convergent.doctor.record import Evidence, Experiments, SampleSet
from recorded import (
    LOW,
    C,
    N,
    activation,
    blobs,
    call,
    evaluation,
    evidence,
    fall,
    flat,
    inputs,
    labels,
    layer,
    numbers,
    regression,
    samples,
    stuck,
    tried,
    with_data,
)


def set_rows(rows: int, value: float) -> Callable[[Tensor], Tensor]:
    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[:rows] = value
        return x

    return change


def noise(share: float) -> Callable[[Tensor], Tensor]:
    def change(y: Tensor) -> Tensor:
        g = torch.Generator().manual_seed(3)
        wrong = torch.rand(len(y), generator=g) < share
        return torch.where(wrong, (y + 1 + torch.randint(C - 1, y.shape, generator=g)) % C, y)

    return change


def leaking() -> Evidence:
    noisy = blobs(0, spread=6.0)
    assert noisy.targets is not None
    noisy.inputs[:, 2] = noisy.targets.float() + 0.01 * torch.randn(N, generator=torch.Generator().manual_seed(4))
    return with_data(evidence(), train=noisy)


def in_order(samples_: SampleSet) -> SampleSet:
    assert samples_.targets is not None
    order = samples_.targets.argsort()
    return replace(samples_, inputs=samples_.inputs[order], targets=samples_.targets[order])


def augmented(strength: float) -> Evidence:
    train, valid = blobs(0, 480, 0.4), blobs(1, 480, 0.4)
    g = torch.Generator().manual_seed(2)
    train = replace(train, inputs=train.inputs + strength * torch.randn(train.inputs.shape, generator=g))
    return with_data(stuck(steps_per_epoch=None), train=train, valid=valid)


def few(count: int, metric: float) -> Evidence:
    one = replace(evidence(), evaluations=[evaluation(metric=metric), evaluation(split="train", metric=1.0)])
    return with_data(replace(one, num_parameters=500_000), train=blobs(0, count))


BATCH_NORM = {"has_switches": True, "has_batch_norm": True}
HIGH = Experiments(initial_loss=1.4, chance_loss=1.386, tenth_rate_loss=0.5, same_rate_loss=3.0)
SWING = [1.4 + (0.9 if step // 12 % 2 else -0.6) for step in range(240)]
SPIKE = [9.0 if step == 80 else 1.4 + 0.01 * math.sin(3 * step) for step in range(120)]
RISING = [
    evaluation(40, loss=0.5, interval=(0.45, 0.55), metric=0.8),
    evaluation(119, loss=0.9, interval=(0.8, 1.0), metric=0.75),
    evaluation(119, "train", loss=0.1, interval=(0.08, 0.12), metric=1.0),
]
WORSE = [
    evaluation(30 * k, loss=1.2 - 0.25 * k, interval=(1.1 - 0.25 * k, 1.3 - 0.25 * k), metric=0.7 - 0.1 * k)
    for k in range(4)
]
BETTER = [replace(one, metric=0.4 + 0.1 * k) for k, one in enumerate(WORSE)]
IMPROVING = [evaluation(30 * k, loss=1.2 * 0.8**k, interval=(1.1 * 0.8**k, 1.3 * 0.8**k)) for k in range(5)]
AT_REST = [evaluation(30 * k, loss=0.3) for k in range(5)]
COLLAPSED = evaluation(metric=0.25, loss=1.386, predicted_counts=[200, 0, 0, 0])

FIRES_AND_NOT: dict[str, tuple[Callable[[], Evidence], Callable[[], Evidence]]] = {
    "data/too-few-samples": (lambda: few(24, 0.6), lambda: few(24, 0.99)),
    "data/inputs-not-normalized": (lambda: inputs(lambda x: 900 * x + 4000), lambda: inputs(lambda x: 2 * x + 1)),
    "data/targets-not-scaled": (
        lambda: regression(numbers(80, 150)), lambda: regression(numbers(2, 1))),
    "data/non-finite-values": (lambda: inputs(set_rows(2, math.nan)), evidence),
    "data/constant-feature": (
        lambda: inputs(lambda x: torch.cat([x, torch.ones(N, 1)], 1)), lambda: inputs(lambda x: x)),
    "data/class-imbalance": (
        lambda: labels(lambda y: (torch.arange(N) % 40 == 0).long()), lambda: labels(lambda y: y // 2)),
    "data/duplicate-samples": (
        lambda: with_data(evidence(), train=replace(blobs(), hashes=[k % 200 for k in range(N)])),
        lambda: with_data(
            evidence(), train=replace(blobs(), hashes=[k % 200 for k in range(N)], with_replacement=True))),
    "data/conflicting-labels": (
        lambda: with_data(evidence(), train=replace(blobs(), hashes=[k % 200 for k in range(N)])), evidence),
    "data/train-val-leakage": (
        lambda: with_data(evidence(), overlap=0.3), lambda: with_data(evidence(), overlap=0.001)),
    "data/label-leaking-feature": (leaking, evidence),
    "data/label-noise": (lambda: labels(noise(0.3), evidence()), lambda: labels(noise(0.01), evidence())),
    "data/labels-shuffled": (
        lambda: labels(lambda y: y[torch.randperm(N, generator=torch.Generator().manual_seed(1))]),
        stuck),
    "data/invalid-labels": (lambda: labels(lambda y: y + 1), evidence),
    "data/preprocessing-mismatch": (
        lambda: with_data(stuck(), valid=replace(blobs(1), inputs=blobs(1).inputs * 8 + 20)),
        lambda: with_data(stuck(), valid=replace(blobs(1), inputs=blobs(1).inputs * 1.1))),
    "data/augmentation-too-strong": (lambda: augmented(3.0), lambda: augmented(0.2)),
    "data/not-shuffled": (lambda: with_data(stuck(), train=in_order(blobs())), evidence),
    "data/worker-seeds-repeated": (
        lambda: with_data(evidence(), repeated_batches=5), lambda: with_data(evidence(), repeated_batches=0)),
    "setup/loss-at-init": (
        lambda: tried(stuck(), initial_loss=9.0), lambda: tried(stuck(), initial_loss=1.9)),
    "setup/output-loss-mismatch": (
        lambda: tried(stuck(), output_transform="softmax"),
        lambda: tried(with_data(evidence(), loss=call("nll")), output_transform="log_softmax", output_log_sum=0.0)),
    "setup/output-range": (
        lambda: tried(regression(numbers()), output_transform="sigmoid"),
        lambda: tried(regression(numbers().sigmoid()), output_transform="sigmoid")),
    "setup/input-ignored": (
        lambda: tried(stuck(), real_loss=1.386, permuted_loss=[1.386] * 8),
        lambda: tried(stuck(), real_loss=1.386, permuted_loss=[1.39, 1.41, 1.37, 1.42, 1.4])),
    "setup/cannot-overfit-batch": (
        lambda: tried(stuck(), overfit_start=1.4, overfit_end=1.38),
        lambda: tried(stuck(), overfit_start=1.4, overfit_end=0.01)),
    "setup/bad-initialization": (
        lambda: stuck(layers=[layer(equal_units=True, weight_mean=0.1), layer("c", is_last=True)]),
        lambda: stuck(layers=[layer(weight_std=math.sqrt(2 / 32)), layer("c", is_last=True)])),
    "setup/parameters-not-trained": (
        lambda: stuck(layers=[layer(in_optimizer=0), layer("c", is_last=True)]),
        lambda: evidence(layers=[layer(trainable=0, in_optimizer=0), layer("c", is_last=True)])),
    "setup/samples-mix-in-batch": (
        lambda: tried(evidence(), samples_mix=0.4), lambda: tried(evidence(), samples_mix=1e-6)),
    "setup/future-leak": (
        lambda: tried(evidence(), future_leak=0.4, causal=True),
        lambda: tried(evidence(), future_leak=0.0, causal=True)),
    "setup/loss-reduction": (
        lambda: with_data(regression(numbers()), loss=call("mse", output_shape=(24, 1), target_shape=(24,))),
        lambda: tried(regression(numbers(), learned=True), doubled_batch_ratio=1.0)),
    "setup/missing-nonlinearity": (
        lambda: tried(stuck(), linear_pairs=[("a", "b"), ("b", "c")]),
        lambda: tried(evidence(), linear_pairs=[("a", "b")])),
    "setup/wrong-mode": (
        lambda: evidence(samples=samples(training_mode=False), **BATCH_NORM), lambda: evidence(**BATCH_NORM)),
    "setup/missing-zero-grad": (
        lambda: evidence(samples=samples(stale_gradient=0.5)),
        lambda: evidence(samples=samples(stale_gradient=0.5), accumulates=True)),
    "setup/learning-rate-out-of-range": (
        lambda: replace(stuck(), experiments=LOW, samples=samples(learning_rate=1e-4)),
        lambda: replace(stuck(), experiments=LOW, samples=samples(learning_rate=5e-3))),
    "training/non-finite": (
        lambda: evidence(losses=[*fall()[:60], *[math.nan] * 60]), evidence),
    "training/vanishing-gradient": (
        lambda: stuck(samples=samples(grad_norm={"a": 1e-7, "b": 1e-4, "c": 0.3})),
        stuck),
    "training/exploding-gradient": (
        lambda: evidence(
            learned=False, samples=[*samples(40), *samples(40, grad_norm={"a": 900.0, "b": 1.0, "c": 1.0})]),
        stuck),
    "training/dying-relu": (
        lambda: stuck(dead_units={"a": 0.9}), lambda: stuck(dead_units={"a": 0.3})),
    "training/saturated-activations": (
        lambda: stuck(activations=activation("tanh", saturation=0.97)),
        lambda: stuck(activations=activation("tanh", saturation=0.5))),
    "training/learning-rate-too-high": (
        lambda: replace(
            stuck(), experiments=HIGH, losses=[1.4, 8.0, *flat(9.0)],
            samples=samples(update_norm={"a": 3.0, "b": 3.0, "c": 3.0})),
        stuck),
    "training/learning-rate-too-low": (
        lambda: replace(
            stuck(), experiments=LOW, samples=samples(update_norm={"a": 1e-6, "b": 1e-6, "c": 1e-6})),
        lambda: replace(evidence(), samples=samples(update_norm={"a": 1e-6, "b": 1e-6, "c": 1e-6}))),
    "training/oscillating-loss": (
        lambda: stuck(losses=SWING), lambda: stuck(losses=flat(steps=240))),
    "training/loss-spike": (lambda: stuck(losses=SPIKE), stuck),
    "training/divergence": (
        lambda: stuck(losses=[1.4 * 1.03**step for step in range(120)]),
        stuck),
    "training/slow-convergence": (stuck, evidence),
    "training/constant-output": (
        lambda: stuck(samples=samples(output_std=1e-8)), stuck),
    "training/overfitting": (lambda: evidence(evaluations=RISING), evidence),
    "training/underfitting": (
        lambda: stuck(evaluations=[evaluation(split="train", metric=0.3, loss=1.3)]), evidence),
    "training/regularization-dominates": (
        lambda: stuck(weight_decay=1.0, samples=samples(penalty_ratio=8.0)),
        lambda: evidence(weight_decay=1e-4, samples=samples(penalty_ratio=0.1))),
    "training/edge-of-stability": (
        lambda: tried(stuck(), sharpness=9.0), lambda: tried(stuck(), sharpness=1.0)),
    "training/batch-size": (
        lambda: tried(stuck(), noise_scale=1e5), lambda: tried(stuck(), noise_scale=50.0)),
    "training/metric-loss-disagree": (
        lambda: evidence(evaluations=WORSE), lambda: evidence(evaluations=BETTER)),
    "training/replicas-differ": (
        lambda: evidence(replica_hashes=[1, 2]), lambda: evidence(replica_hashes=[1, 1])),
    "result/no-better-than-baseline": (
        lambda: stuck(evaluations=[evaluation(metric=0.25, loss=1.4)]), evidence),
    "result/class-collapse": (lambda: stuck(evaluations=[COLLAPSED]), evidence),
    "result/train-eval-gap": (
        lambda: tried(evidence(has_switches=True), train_mode_loss=0.3, eval_mode_loss=2.0),
        lambda: tried(evidence(has_switches=True), train_mode_loss=0.3, eval_mode_loss=0.25)),
    "result/too-good": (
        lambda: evidence(evaluations=[evaluation(metric=1.0, samples=2000)]), evidence),
    "result/stopped-early": (
        lambda: evidence(evaluations=IMPROVING), lambda: evidence(evaluations=AT_REST)),
}  # fmt: skip


def codes(one: Evidence) -> Iterator[str]:
    return (found.code for found in judge(one))


def test_every_code_is_tested_and_has_its_place() -> None:
    assert set(FIRES_AND_NOT) == set(CODES) == set(ORDER)
    assert set(EXPLAINS) | set().union(*EXPLAINS.values()) <= set(CODES)


@pytest.mark.parametrize("code", FIRES_AND_NOT)
def test_a_rule_speaks_where_it_must(code: str) -> None:
    assert code in list(codes(FIRES_AND_NOT[code][0]()))


@pytest.mark.parametrize("code", FIRES_AND_NOT)
def test_a_rule_is_silent_where_it_must_be(code: str) -> None:
    assert code not in list(codes(FIRES_AND_NOT[code][1]()))


def test_a_healthy_training_is_met_with_silence() -> None:
    assert list(codes(evidence())) == []


def test_nothing_known_nothing_said() -> None:
    assert list(codes(Evidence())) == []


@pytest.mark.parametrize("code", CODES)
def test_every_code_says_why_and_what_to_do(code: str) -> None:
    entry = CODES[code]
    assert entry.says and entry.why.endswith(".") and entry.remedies and entry.source


def test_a_rate_that_is_too_high_leads_before_what_follows_from_it() -> None:
    found = ranked(
        [
            finding("result/no-better-than-baseline", "critical", "", "nothing learned"),
            finding("data/constant-feature", "info", "", "a column"),
            finding("training/non-finite", "critical", "", "nan"),
            finding("training/learning-rate-too-high", "critical", "", "steps too large"),
        ]
    )
    assert [f.code for f in found] == [
        "training/learning-rate-too-high",
        "training/non-finite",
        "result/no-better-than-baseline",
        "data/constant-feature",
    ]
    assert set(found[0].consequences) == {"training/non-finite", "result/no-better-than-baseline"}


def test_what_breaks_at_every_rate_is_not_the_rates_fault() -> None:
    broken = Experiments(initial_loss=1.4, chance_loss=1.386, tenth_rate_loss=math.nan, same_rate_loss=math.nan)
    broken.range_test = [(1e-5, math.nan), (1e-3, math.nan), (1e-2, math.nan)]
    one = stuck(losses=[*flat(steps=20), *[math.nan] * 100], experiments=broken)
    assert next(codes(one)) == "training/non-finite"


def test_a_metric_that_is_counted_wrongly() -> None:
    one = tried(evidence(evaluations=[evaluation(metric=0.2, loss=None, interval=None)]), own_accuracy=0.8)
    assert "training/metric-loss-disagree" in list(codes(one))


def test_a_schedule_that_ends_at_once() -> None:
    spent = [replace(one, learning_rate=0.1 * 0.7**one.step) for one in samples()]
    one = evidence(losses=fall(end=0.7), samples=spent, evaluations=[evaluation(metric=0.6)])
    assert "training/learning-rate-too-low" in list(codes(one))
