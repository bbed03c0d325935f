"""What the doctor must not do to a program: look at more than it needs, and hold on to the program's tensors."""

from __future__ import annotations

import weakref

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import _get_current_function_mode_stack

from convergent.doctor.doctor import Doctor


class Net(nn.Module):
    """Two layers that tell what watches them, and let their hidden values be followed."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)
        self.watched: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        self.watched.append(bool(_get_current_function_mode_stack()))
        self.hidden = weakref.ref(hidden := torch.relu(self.first(x)))
        return self.last(hidden)


class Told(torch.optim.SGD):
    """An optimiser that tells what watches it."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.watched: list[bool] = []

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Take a step."""
        self.watched.append(bool(_get_current_function_mode_stack()))
        super().step()


def train(steps: int, epoch: int) -> tuple[Net, Told, Doctor, list[bool]]:
    """Train a small network on an epoch that is repeated; return whether hidden values were gone after each step."""
    torch.manual_seed(0)
    model = Net()
    optimizer = Told(model.parameters(), lr=0.01)
    inputs, targets = torch.randn(epoch, 16, 4), torch.randint(2, (epoch, 16))
    gone = []
    doctor = Doctor(model, optimizer)
    for index in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs[index % epoch]), targets[index % epoch])
        loss.backward()
        optimizer.step()
        doctor.step(loss)
        del loss
        gone.append(model.hidden() is None)
    return model, optimizer, doctor, gone


def test_an_epoch_is_counted_where_backward_passes_are_not_seen() -> None:
    _, _, doctor, _ = train(steps=310, epoch=300)
    doctor._watch.close()
    assert doctor._watch.probes[0].finish().steps_per_epoch == 300


def test_only_the_first_steps_and_a_few_later_ones_are_seen_closely() -> None:
    model, optimizer, _, gone = train(steps=120, epoch=8)
    assert all(model.watched[:32])
    assert [step for step, seen in enumerate(model.watched) if seen and step >= 32] == [32, 48, 64, 80, 96, 112]
    assert not any(optimizer.watched)
    assert all(gone)


def test_losses_are_known_for_every_step() -> None:
    _, _, doctor, _ = train(steps=70, epoch=8)
    doctor._watch.close()
    evidence = doctor._watch.probes[0].finish()
    assert len(evidence.losses) == 70
    assert [set(sample.update_norm) for sample in evidence.samples] == [{"first", "last"}] * len(evidence.samples)


def test_inputs_of_an_evaluation_that_compares_nothing_are_let_go() -> None:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    inputs, targets = torch.randn(16, 4), torch.randint(2, (16,))
    doctor = Doctor(model, optimizer)
    for _ in range(2):
        evaluated = torch.randn(16, 4)
        with torch.no_grad():
            model(evaluated).numpy()
        follow = weakref.ref(evaluated)
        del evaluated
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            doctor.step(loss)
        assert follow() is None
