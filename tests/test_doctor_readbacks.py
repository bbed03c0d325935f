"""How often the doctor reads from the device: a GPU would have to wait for each reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from convergent.doctor.doctor import Doctor
from convergent.doctor.evaluations import EvaluationLog
from convergent.doctor.hashes import hash_samples
from convergent.doctor.readings import READ_EVERY

STEPS = 400
AT_FIRST = 8
"""Readings after 1, 2, 4 ... batches."""
SHAPES_FROM_VALUES = {"nonzero", "masked_select", "_unique2", "unique_dim", "bincount", "_local_scalar_dense"}
READS = ("cpu", "tolist", "numpy", "item", "__bool__", "__int__", "__float__", "__index__", "nonzero")


class Reads(TorchDispatchMode):
    """Counts what would wait for a device: values read, and shapes that depend on values."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.inside = 0, False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(t is not None and t.dtype == torch.bool for t in args[1])
        if not self.inside:
            self.count += name in SHAPES_FROM_VALUES or by_mask
        return func(*args, **(kwargs or {}))


@contextmanager
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    """Count the readings of a block, each once however it is made."""
    mode = Reads()

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            outermost, mode.inside = not mode.inside, True
            mode.count += outermost
            try:
                return original(*args, **kwargs)
            finally:
                mode.inside = not outermost

        return call

    with monkeypatch.context() as patch, mode:
        for name in READS:
            patch.setattr(Tensor, name, counted(getattr(Tensor, name)))
        yield mode


def make_network(kind: str) -> tuple[nn.Module, Tensor]:
    """Return a network and an epoch of inputs, (batches, samples, ...)."""
    torch.manual_seed(0)
    if kind == "images":
        body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
        return body, torch.randn(500, 16, 1, 8, 8)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), torch.randn(500, 16, 6)


@pytest.mark.parametrize("kind", ["images", "rows"])
@pytest.mark.parametrize("epoch", [12, 500])
def test_a_training_is_read_once_in_many_steps(kind: str, epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = make_network(kind)
    targets = torch.randint(3, (len(inputs), 16))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    doctor = Doctor(model, optimizer)
    with reads(monkeypatch) as seen:
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs[step % epoch]), targets[step % epoch])
            loss.backward()
            optimizer.step()
            doctor.step(loss)
    doctor._watch.close()
    assert doctor._watch.failure is None
    # Hashes and scalars are of two types; one for the first weights.
    assert seen.count <= 2 * STEPS / READ_EVERY + AT_FIRST + 1
    evidence = doctor._watch.probes[0].finish()
    assert len(evidence.losses) == STEPS
    assert evidence.steps_per_epoch == (epoch if epoch < STEPS else None)
    assert evidence.data.train is not None and len(evidence.data.train.hashes) == len(evidence.data.train.inputs)


@pytest.mark.parametrize("compares", ["loss", "decision", "both"])
def test_an_evaluation_is_read_once_in_many_batches(compares: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = make_network("rows")
    targets = torch.randint(3, (len(inputs), 16))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    doctor = Doctor(model, optimizer)
    for _ in range(2):
        F.cross_entropy(model(inputs[-1]), targets[-1]).backward()
        optimizer.step()
    with reads(monkeypatch) as seen, torch.no_grad():
        for x, y in zip(inputs[:STEPS], targets, strict=False):
            logits = model(x)
            if compares != "loss":
                (logits.argmax(1) == y).sum()
            if compares != "decision":
                F.cross_entropy(logits, y)
    doctor._watch.close()
    batches = STEPS * (2 if compares == "both" else 1)
    assert seen.count <= 2 * (batches / READ_EVERY + AT_FIRST)  # numbers and counts are of two types
    (one,) = doctor._watch.probes[0].finish().evaluations
    assert one.samples == STEPS * 16 and sum(one.true_counts) == STEPS * 16
    assert one.metric is not None and (one.loss is None) == (compares == "decision")


def test_samples_are_told_by_all_their_bits() -> None:
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 12)
    for samples in (signs, signs > 0, signs.double(), signs.to(torch.int8), signs[:2048, 1:], torch.eye(300)):
        assert len(set(hash_samples(samples))) == len(samples)
    longer = torch.randn(9, 5000)
    changed = longer.clone()
    changed[:, -1] += 1
    assert not set(hash_samples(longer)) & set(hash_samples(changed))
    assert hash_samples(longer[3:]) == hash_samples(longer)[3:]
    odd = torch.randn(65)
    assert hash_samples(odd[1:].view(4, 16)) == hash_samples(odd[1:].clone().view(4, 16))
    assert hash_samples(torch.zeros(2, 0)) == hash_samples(torch.zeros(2, 0))


def test_batches_after_the_first_epoch_are_not_kept() -> None:
    model, inputs = make_network("rows")
    doctor = Doctor(model, optimizer := torch.optim.SGD(model.parameters(), lr=0.01))
    for step in range(60):
        loss = F.cross_entropy(model(inputs[step % 20]), torch.zeros(16, dtype=torch.long))
        loss.backward()
        optimizer.step()
        doctor.step(loss)
    doctor._watch.close()
    train = doctor._watch.probes[0].finish().data.train
    assert train is not None and train.complete and train.total == 320
    assert torch.equal(train.inputs, inputs[:20].flatten(0, 1)) and len(set(train.hashes)) == 320


def test_samples_that_are_evaluated_again_are_kept_once() -> None:
    log = EvaluationLog()
    inputs, targets = torch.randn(5, 8, 3), torch.randint(4, (5, 8))
    for step in range(30):
        for x, y in zip(inputs, targets, strict=True):
            log.add_inputs(x)
            log.compare(step, "cross_entropy", torch.randn(8, 4), y, False, False)
    log.read()
    assert [chunk.step for chunk in log.chunks if chunk.inputs is not None] == [0] * 5


def test_a_difference_that_is_weighted_by_a_tensor() -> None:
    model, inputs = make_network("rows")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Doctor(model, optimizer):
        for x in inputs[:3]:
            optimizer.zero_grad()
            difference = model(x) - torch.zeros(16, 3)
            (difference * torch.ones(16, 3)).pow(2).mean().backward()
            optimizer.step()
