"""Evidence as a training would leave it behind, made by hand: what the tests of the rules change one thing in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from convergent.doctor.record import (
    ActivationSample,
    Evaluation,
    Evidence,
    Experiments,
    Layer,
    LossCall,
    LossKind,
    SampleSet,
    StepSample,
)

N, D, C = 240, 6, 4
LOW = Experiments(
    initial_loss=1.4, chance_loss=1.386, tenth_rate_loss=1.4, same_rate_loss=1.399, higher_rate_loss=1.3,
    range_test=[(1e-5, 1.4), (1e-4, 1.399), (1e-2, 0.6)],
)  # fmt: skip


def fall(start: float = 1.4, end: float = 0.2, steps: int = 120) -> list[float]:
    return [end + (start - end) * math.exp(-6 * step / steps) for step in range(steps)]


def flat(level: float = 1.4, steps: int = 120) -> list[float]:
    return [level + 0.001 * math.sin(step) for step in range(steps)]


def blobs(seed: int = 0, count: int = N, spread: float = 1.0) -> SampleSet:
    g = torch.Generator().manual_seed(seed)
    centres = 2.5 * torch.randn(C, D, generator=torch.Generator().manual_seed(9))
    y = torch.randint(C, (count,), generator=g)
    x = centres[y] + spread * torch.randn(count, D, generator=g)
    x = (x - x.mean(0)) / x.std(0)
    return SampleSet(x, y, [24] * (count // 24), list(range(count)), True, count)


def call(kind: LossKind = "cross_entropy", width: int = C, **changes: object) -> LossCall:
    index = kind in ("cross_entropy", "nll")
    shape = (24, width) if index else (24, 1)
    return replace(LossCall(kind, kind, shape, (24,) if index else (24, 1), index), **changes)  # type: ignore[arg-type]


def samples(steps: int = 120, **changes: object) -> list[StepSample]:
    shape = {"grad_norm": {"a": 0.3, "b": 0.3, "c": 0.4}, "weight_norm": {"a": 3.0, "b": 3.0, "c": 2.0}}
    usual = {"learning_rate": 0.01, **shape, "update_norm": {"a": 0.01, "b": 0.01, "c": 0.01}, "output_std": 0.5}
    return [StepSample(step, 1.0, **{**usual, **changes}) for step in range(0, steps, 4)]  # type: ignore[arg-type]


def layer(name: str = "a", **changes: object) -> Layer:
    made = Layer(name, "Linear", (32, 32), 32, 32, 0.1, 0.0, False, num_parameters=1056, trainable=1056)
    made.in_optimizer = 1056
    return replace(made, **changes)  # type: ignore[arg-type]


def activation(kind: str = "relu", **changes: object) -> list[ActivationSample]:
    return [
        replace(ActivationSample(step, "a", kind, 32, 0.1, 0.2, 0.5, 0.4), **changes)  # type: ignore[arg-type]
        for step in range(0, 120, 8)
    ]


def evaluation(step: int = 119, split: str = "valid", **changes: object) -> Evaluation:
    counts = [50, 50, 50, 50]
    made = Evaluation(step, split, 200, 0.3, 0.9, False, counts, counts, (0.25, 0.35), 0.25)  # type: ignore[arg-type]
    return replace(made, **changes)  # type: ignore[arg-type]


def evidence(*, learned: bool = True, **changes: object) -> Evidence:
    """A healthy training that learned its task, or one that learned nothing."""
    made = Evidence(
        name="Net", num_parameters=3168, optimizer="SGD", momentum=0.9, batch_size=24, steps_per_epoch=10,
        layers=[layer("a"), layer("b"), layer("c", is_last=True)], losses=fall() if learned else flat(),
        samples=samples(), activations=activation(), dead_units={"a": 0.1},
        evaluations=[evaluation() if learned else evaluation(loss=1.4, metric=0.26, interval=(1.35, 1.45))],
    )  # fmt: skip
    made.data.train, made.data.valid = blobs(0), blobs(1)
    made.data.loss, made.data.num_classes, made.data.overlap = call(), C, 0.0
    made.experiments = Experiments(initial_loss=1.4, chance_loss=1.386)
    return replace(made, **changes)  # type: ignore[arg-type]


def stuck(**changes: object) -> Evidence:
    """A training that has learned nothing."""
    return evidence(learned=False, **changes)


def with_data(one: Evidence, **changes: object) -> Evidence:
    return replace(one, data=replace(one.data, **changes))  # type: ignore[arg-type]


def tried(one: Evidence, **changes: object) -> Evidence:
    return replace(one, experiments=replace(one.experiments, **changes))  # type: ignore[arg-type]


def inputs(change: Callable[[Tensor], Tensor], one: Evidence | None = None) -> Evidence:
    one = one or stuck()
    assert one.data.train is not None
    return with_data(one, train=replace(one.data.train, inputs=change(one.data.train.inputs)))


def labels(change: Callable[[Tensor], Tensor], one: Evidence | None = None) -> Evidence:
    one = one or stuck()
    assert one.data.train is not None and one.data.train.targets is not None
    return with_data(one, train=replace(one.data.train, targets=change(one.data.train.targets)))


def regression(y: Tensor, *, learned: bool = False, **changes: object) -> Evidence:
    one = evidence(learned=learned)
    assert one.data.train is not None
    train = replace(one.data.train, targets=y)
    kind: LossKind = "mse"
    return with_data(replace(one, evaluations=[]), train=train, loss=call(kind, **changes), num_classes=None)


def numbers(scale: float = 1.0, shift: float = 0.0) -> Tensor:
    train = blobs(0)
    return scale * (train.inputs[:, :1] + 0.3 * torch.randn(N, 1, generator=torch.Generator().manual_seed(5))) + shift
