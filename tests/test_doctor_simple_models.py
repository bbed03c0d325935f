"""What the simplest models, exchanged inputs and batches left out tell: each rule fires here and is silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import convergent as cv
from convergent.doctor.diagnose import judge
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.rules.progress import underfitting
from convergent.doctor.statistics import better_rate
from convergent.types import Finding
from recorded import LOW, blobs, evaluation, evidence, flat, layer, samples, stuck, tried, with_data

TOKENS, LENGTH, COUNT = 60, 12, 600


def found(one: Evidence, code: str) -> Finding | None:
    return next((finding for finding in judge(one) if finding.code == code), None)


def resting(metric: float, **changes: object) -> Evidence:
    """A training that has come to rest half-way, with a training score of `metric`."""
    return evidence(losses=flat(0.8), evaluations=[evaluation(split="train", metric=metric)], **changes)


def test_a_network_far_below_its_neighbours_underfits() -> None:
    one = found(resting(0.5), "training/underfitting")
    assert one is not None and one.severity == "warning" and one.evidence["simple_skill"] > 0.8


@pytest.mark.parametrize("case", ["as good", "no better is possible", "learned"])
def test_a_network_as_good_as_its_neighbours_does_not(case: str) -> None:
    shuffled = replace(blobs(), targets=torch.randint(4, (240,), generator=torch.Generator().manual_seed(1)))
    one = {
        "as good": resting(0.85),
        "no better is possible": with_data(resting(0.5), train=shuffled),
        "learned": evidence(),
    }[case]
    assert found(one, "training/underfitting") is None


@pytest.mark.parametrize(("metric", "severity"), [(0.4, "info"), (0.27, "warning")])
def test_what_noise_may_have_left_is_told_quietly(metric: float, severity: str) -> None:
    noise = replace(blobs(), targets=torch.randint(4, (240,), generator=torch.Generator().manual_seed(1)))
    one = underfitting(with_data(stuck(evaluations=[evaluation(metric=metric)]), train=noise))
    assert one is not None and one.severity == severity


def test_what_a_loss_can_reach_is_not_known_of_every_loss() -> None:
    one = with_data(stuck(evaluations=[]), loss=None)
    severities = [underfitting(tried(one, chance_loss=chance)) for chance in (1.386, None)]
    assert [found.severity for found in severities if found] == ["warning", "info"]


def sigmoid_layers(*gradients: float, kind: str = "sigmoid") -> Evidence:
    names = "abcd"
    layers = [layer(name, activation=kind) for name in names[:-1]] + [layer("d", is_last=True)]
    return stuck(layers=layers, samples=samples(grad_norm=dict(zip(names, gradients, strict=True))))


def test_a_gradient_that_shrinks_from_sigmoid_to_sigmoid_vanishes() -> None:
    shrinking = (1e-3, 6e-3, 5e-2, 4e-1)
    assert found(sigmoid_layers(*shrinking), "training/vanishing-gradient") is not None
    assert found(sigmoid_layers(*shrinking, kind="relu"), "training/vanishing-gradient") is None
    assert found(sigmoid_layers(6e-3, 1e-3, 5e-2, 4e-1), "training/vanishing-gradient") is None


def test_a_rate_that_learns_a_few_batches_by_heart_is_no_better_one() -> None:
    one = replace(stuck(), experiments=LOW, samples=samples(learning_rate=1e-4))
    assert better_rate(one) is not None
    assert better_rate(tried(one, fresh_same_loss=1.3, fresh_best_loss=0.9)) is not None
    assert better_rate(tried(one, fresh_same_loss=1.3, fresh_best_loss=1.6)) is None


def texts(seed: int, vocabulary: Tensor) -> SampleSet:
    """Texts of two kinds, that prefer other words; `vocabulary` numbers the words."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(2, (COUNT,), generator=g)
    words = torch.randint(TOKENS // 2, (COUNT, LENGTH), generator=g)
    own = torch.rand(COUNT, LENGTH, generator=g) < 0.5
    words = torch.where(own, words // 2 + y[:, None] * TOKENS // 2, words)
    return SampleSet(vocabulary[words], y, [30] * 20, list(range(seed * COUNT, (seed + 1) * COUNT)), True, COUNT)


def reader(train: SampleSet, valid: SampleSet, metric: float) -> Evidence:
    one = stuck(evaluations=[evaluation(metric=metric, baseline=0.5, loss=1.4)])
    one = tried(one, real_loss=0.4, permuted_loss=[0.9, 1.0, 0.9, 1.1, 0.9])
    return with_data(one, train=train, valid=valid, num_classes=2)


def test_texts_whose_words_were_numbered_anew_for_validation() -> None:
    words = torch.arange(TOKENS)
    anew = words[torch.randperm(TOKENS, generator=torch.Generator().manual_seed(3))]
    train = texts(0, words)
    one = found(reader(train, texts(1, anew), 0.5), "data/preprocessing-mismatch")
    assert one is not None and one.severity == "critical"
    assert found(reader(train, texts(1, words), 0.5), "data/preprocessing-mismatch") is None
    nothing = replace(texts(1, words), targets=texts(2, words).targets)  # labels that nothing can be told of
    assert found(reader(train, nothing, 0.5), "data/preprocessing-mismatch") is None


def test_classes_that_were_numbered_anew_for_validation() -> None:
    train, valid = blobs(0, count=480), blobs(1, count=480)
    assert valid.targets is not None
    other = replace(valid, targets=torch.tensor([2, 3, 1, 0])[valid.targets])
    assert found(with_data(stuck(), train=train, valid=other), "data/preprocessing-mismatch") is not None
    assert found(with_data(stuck(), train=train, valid=valid), "data/preprocessing-mismatch") is None
    assert train.targets is not None
    first = train.targets.argsort()[:300]  # what is seen first of data in the order of their classes
    sorted_train = replace(train, inputs=train.inputs[first], targets=train.targets[first], hashes=[])
    assert found(with_data(stuck(), train=sorted_train, valid=valid), "data/preprocessing-mismatch") is None


def test_labels_of_texts_that_belong_to_others() -> None:
    words = torch.arange(TOKENS)
    train, valid = texts(0, words), texts(1, words)
    assert train.targets is not None
    shifted = replace(train, targets=train.targets.roll(7))
    assert found(reader(shifted, valid, 0.51), "data/labels-shuffled") is not None
    assert found(reader(train, valid, 0.51), "data/labels-shuffled") is None
    never_told_apart = tried(reader(shifted, valid, 0.51), permuted_loss=[0.4] * 5)
    assert found(never_told_apart, "data/labels-shuffled") is None


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode, self.mean, self.log_variance = nn.Linear(16, 16), nn.Linear(16, 2), nn.Linear(16, 2)
        self.decode = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = F.relu(self.encode(x))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        return self.decode(code), mean, log_variance


@pytest.mark.parametrize("weight", [1.0, 200.0])
def test_a_divergence_that_leaves_nothing_in_the_code(weight: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(320, 2) @ torch.randn(2, 16)
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with cv.Doctor(model, optimizer) as doctor:
        for _ in range(25):
            for rows in torch.randperm(320).split(32):
                output, mean, log_variance = model(x[rows])
                divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
                loss = 16 * F.mse_loss(output, x[rows]) + weight * divergence
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    codes = [one.code for one in doctor.findings if one.severity == "critical"]
    assert ("training/regularization-dominates" in codes) == (weight > 1)


class Pairs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(12, 4), nn.Embedding(15, 4)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return (self.users(users) * self.items(items)).sum(1)


def test_users_and_items_are_one_sample_together() -> None:
    torch.manual_seed(0)
    pairs = torch.cartesian_prod(torch.arange(12), torch.arange(15))
    ratings = (torch.randn(12, 4)[pairs[:, 0]] * torch.randn(15, 4)[pairs[:, 1]]).sum(1)
    model = Pairs()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with cv.Doctor(model, optimizer) as doctor:
        for _ in range(8):
            for rows in torch.randperm(len(pairs)).split(20):
                loss = F.mse_loss(model(pairs[rows, 0], pairs[rows, 1]), ratings[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    assert doctor._watch.probes[0].evidence.steps_per_epoch == 9
    assert not {"data/duplicate-samples", "data/conflicting-labels"} & {one.code for one in doctor.findings}


def test_pictures_that_were_kept_in_half_precision_are_judged_in_single() -> None:
    kept = SampleSet(torch.ones(4, 1, 2, 2, dtype=torch.bfloat16), torch.ones(4, 1, 2, 2, dtype=torch.bfloat16))
    whole = kept.in_single_precision()
    assert whole.targets is not None and whole.inputs.dtype == whole.targets.dtype == torch.float32
    assert replace(kept, targets=None).in_single_precision().targets is None
