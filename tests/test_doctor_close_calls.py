"""Decisions that were once wrong: what looked like a fault and was none, and faults that looked like another."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from convergent.doctor.diagnose import judge
from convergent.doctor.evaluations import EvaluationLog
from convergent.doctor.layers import describe_layers
from convergent.doctor.record import Evidence, SampleSet
from recorded import call, evaluation, evidence, fall, labels, layer, samples, stuck, tried, with_data


def codes(one: Evidence) -> list[str]:
    return [found.code for found in judge(one)]


def test_a_parameter_that_is_a_single_number() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.temperature = nn.Parameter(torch.tensor(3.0))

    (described,) = describe_layers(Scaled(), [])
    assert described.weight_shape == () and not described.equal_units


def test_one_layer_with_a_small_gradient_is_no_trend() -> None:
    names = ("query", "value", "dense", "up", "down", "out")

    def one(*sizes: float) -> Evidence:
        gradients = dict(zip(names, sizes, strict=True))
        return stuck(layers=[layer(n, is_last=n == "out") for n in names], samples=samples(grad_norm=gradients))

    assert "training/vanishing-gradient" in codes(one(1e-7, 1e-6, 1e-5, 1e-3, 1e-2, 0.3))
    assert "training/vanishing-gradient" not in codes(one(1e-7, 0.2, 0.2, 0.2, 0.2, 0.3))


def test_shares_of_classes_that_do_not_sum_to_one() -> None:
    def soft(total: float) -> Evidence:
        one = labels(lambda y: total * (0.9 * torch.nn.functional.one_hot(y, 4).float() + 0.025), evidence())
        return with_data(one, loss=call(target_is_index=False, target_shape=(24, 4)))

    assert "data/invalid-labels" in codes(soft(2.0))
    assert "data/invalid-labels" not in codes(soft(1.0))


def blobs_of_ten(spread: float, noise: float) -> Evidence:
    g = torch.Generator().manual_seed(10)
    centres = 2.5 * torch.randn(10, 6, generator=g)
    y = torch.randint(10, (2000,), generator=g)
    x = centres[y] + spread * torch.randn(2000, 6, generator=g)
    guessed = torch.rand(2000, generator=g) < noise
    y = torch.where(guessed, torch.randint(10, y.shape, generator=g), y)
    one = with_data(evidence(), train=SampleSet(x, y, [50] * 40, list(range(2000)), True, 2000), num_classes=10)
    return with_data(one, loss=call(width=10))


def test_labels_that_are_wrong_at_random_and_classes_that_overlap() -> None:
    assert "data/label-noise" in codes(blobs_of_ten(2.5, 0.25))
    assert "data/label-noise" not in codes(blobs_of_ten(2.5, 0.0))
    assert "data/label-noise" not in codes(blobs_of_ten(1.5, 0.0))


def test_labels_of_pairs_need_not_follow_from_the_first_of_them() -> None:
    shuffled = labels(lambda y: y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))])
    assert "data/labels-shuffled" in codes(shuffled)
    assert "data/labels-shuffled" not in codes(tried(shuffled, several_inputs=True))


def test_a_first_loss_far_off_is_named_where_the_training_recovers_too() -> None:
    recovered = tried(evidence(), initial_loss=12.0)
    assert [(f.code, f.severity) for f in judge(recovered)] == [("setup/loss-at-init", "info")]
    assert codes(tried(evidence(), initial_loss=2.5)) == []
    wide = evidence(layers=[layer("a", weight_std=5.0), layer("b"), layer("c", is_last=True)])
    assert [(f.code, f.severity) for f in judge(wide)] == [("setup/bad-initialization", "info")]


def test_no_rate_explains_a_first_loss_that_is_far_off() -> None:
    broken = tried(stuck(losses=[90.0, *[math.nan] * 80]), initial_loss=90.0)
    loud = [f.code for f in judge(broken) if f.severity == "critical"]
    assert loud == ["setup/loss-at-init", "training/learning-rate-too-high"]


def test_a_penalty_by_hand() -> None:
    assert "training/regularization-dominates" in codes(tried(stuck(), penalty_ratio=1.0))
    assert "training/regularization-dominates" not in codes(tried(stuck(), penalty_ratio=0.1))
    assert "training/regularization-dominates" not in codes(tried(evidence(), penalty_ratio=1.0))


def test_a_gradient_that_vanishes_through_time() -> None:
    assert "training/vanishing-gradient" in codes(tried(stuck(), time_ratio=1e-9))
    assert "training/vanishing-gradient" not in codes(tried(stuck(), time_ratio=0.01))
    assert "training/vanishing-gradient" not in codes(tried(evidence(), time_ratio=1e-9))


def test_an_evaluation_of_training_samples_alone() -> None:
    scores = [evaluation(step, "train", samples=60) for step in (40, 80, 119)]
    one = with_data(evidence(evaluations=scores), overlap=None)
    assert [(f.code, f.severity) for f in judge(one)] == [("data/train-val-leakage", "warning")]
    assert codes(replace(one, evaluations=[*scores, evaluation()])) == []


def noisy_batches(shared: bool) -> Evidence:
    g = torch.Generator().manual_seed(4)
    y = torch.randint(4, (640,), generator=g)
    centres = torch.randn(4, 30, generator=g)
    noise = torch.randn(20, 32, 30, generator=g)
    if shared:
        noise[1::2] = noise[::2]
    x = centres[y] + noise.reshape(640, 30)
    return with_data(evidence(), train=SampleSet(x, y, [32] * 20, list(range(640)), True, 640), valid=None)


def test_random_changes_that_workers_share() -> None:
    assert "data/worker-seeds-repeated" in codes(noisy_batches(shared=True))
    assert "data/worker-seeds-repeated" not in codes(noisy_batches(shared=False))


def test_a_metric_that_a_few_samples_cannot_tell_from_the_baseline() -> None:
    weak = evaluation(metric=0.26, loss=0.9, samples=100, interval=(0.8, 1.0))
    one = evidence(losses=fall(end=0.9), evaluations=[weak])
    assert [f.severity for f in judge(one) if f.code == "result/no-better-than-baseline"] == ["warning"]
    sure = replace(one, evaluations=[replace(weak, samples=20_000, metric=0.251)])
    assert [f.severity for f in judge(sure) if f.code == "result/no-better-than-baseline"] == ["critical"]


def test_a_loss_that_runs_below_zero_while_nothing_is_right() -> None:
    falling = [-3.0 - 0.5 * step for step in range(120)]
    none_right = evaluation(metric=0.05, loss=None, interval=None)
    assert "training/divergence" in codes(evidence(losses=falling, evaluations=[none_right]))
    assert "training/divergence" not in codes(evidence(losses=falling, evaluations=[evaluation()]))


def compared(*targets: torch.Tensor, ignore_index: int = -100) -> EvaluationLog:
    log = EvaluationLog()
    log.add_inputs(torch.randn(8, 3))
    outputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    for target in targets:
        log.compare(5, "cross_entropy", outputs, target, False, False, ignore_index)
    return log


def test_slices_of_one_target_are_one_comparison() -> None:
    y = torch.randint(4, (20,), generator=torch.Generator().manual_seed(0))
    assert len(compared(y[4:12], y[4:12]).chunks) == 1
    assert len(compared(y[4:12], y[12:20]).chunks) == 2


def test_padding_is_neither_lost_nor_right() -> None:
    y = torch.tensor([1, 2, 0, 0, 3, 1, 0, 0])
    (chunk,) = compared(y, ignore_index=0).chunks
    assert chunk.true_counts is not None and chunk.true_counts.tolist()[0] == 0


def test_few_pixels_of_a_class_that_is_never_learned() -> None:
    mask = torch.zeros(40, 16, 16, dtype=torch.long)
    mask[:, :1, :3] = 1
    images = SampleSet(torch.randn(40, 1, 16, 16), mask, [8] * 5, list(range(40)), True, 40)
    dense = call(width=2, output_shape=(8, 2, 16, 16), target_shape=(8, 16, 16))
    lost = with_data(stuck(evaluations=[]), train=images, loss=dense, num_classes=2, valid=None)
    assert [f.severity for f in judge(lost) if f.code == "data/class-imbalance"] == ["warning"]
    learned = with_data(evidence(evaluations=[]), train=images, loss=dense, num_classes=2, valid=None)
    assert [f.severity for f in judge(learned) if f.code == "data/class-imbalance"] == ["info"]


def test_a_lower_rate_that_is_ahead_of_the_whole_training() -> None:
    def one(lower: float) -> Evidence:
        test = [(1e-3, lower), (1e-2, 1.39), (1e-1, 1.5)]
        return tried(stuck(), tenth_rate_loss=lower, same_rate_loss=1.39, range_test=test)

    assert "training/learning-rate-too-high" in codes(one(1.1))
    assert "training/learning-rate-too-high" not in codes(one(1.35))


def test_targets_that_are_no_numbers_break_no_rule() -> None:
    one = labels(lambda y: torch.where(y == 0, math.nan, y.float()), evidence())
    found = codes(with_data(one, loss=call("mse")))
    assert "data/non-finite-values" in found


def test_a_metric_that_is_no_number_is_not_too_good() -> None:
    assert "result/too-good" not in codes(evidence(evaluations=[evaluation(metric=math.nan, samples=2000)]))
    assert "result/too-good" in codes(evidence(evaluations=[evaluation(metric=1.0, samples=2000)]))


def test_pictures_that_were_cast_to_nothing() -> None:
    def pictures(left: float) -> Evidence:
        g = torch.Generator().manual_seed(0)
        kept = torch.rand(400, generator=g) < left
        x = torch.rand(400, 14, 14, generator=g) * kept[:, None, None]
        hashes = [row + 1 if there else 0 for row, there in enumerate(kept.tolist())]
        sent = SampleSet(x, torch.randint(4, (400,), generator=g), [40] * 10, hashes, True, 400)
        return with_data(stuck(), train=sent)

    assert "data/constant-feature" in codes(pictures(0.2))
    assert "data/constant-feature" not in codes(pictures(0.8))


def test_weights_that_decay_has_pulled_to_nothing() -> None:
    def decayed(weight_decay: float, left: float) -> Evidence:
        course = samples(learning_rate=0.1, penalty_ratio=0.2)
        course[-1] = replace(course[-1], weight_norm={name: left * v for name, v in course[0].weight_norm.items()})
        return stuck(samples=course, weight_decay=weight_decay)

    assert codes(decayed(0.1, 1e-3))[0] == "training/regularization-dominates"
    assert "training/regularization-dominates" not in codes(decayed(1e-4, 1e-3))
    assert "training/regularization-dominates" not in codes(decayed(0.1, 0.9))
