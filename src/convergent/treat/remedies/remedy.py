"""What a remedy is: a name, and a function from a training and what was found to the treated training, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from convergent.treat.patient import Patient
from convergent.treat.surgery import Anatomy, anatomy
from convergent.types import Finding

MOST_SAMPLES = 8192
FEW = 16


@dataclass(frozen=True)
class Case:
    """A patient and what was found: all that a remedy may look at."""

    patient: Patient
    finding: Finding

    @cached_property
    def sample(self) -> tuple[tuple[Tensor, ...], Tensor]:
        """Inputs and targets of up to 8,192 training samples, evenly spread."""
        count = len(self.patient.train)
        indices = np.unique(np.linspace(0, count - 1, min(count, MOST_SAMPLES)).astype(np.int64))
        batch = self.patient.train.batch(indices)
        return batch.inputs, batch.targets

    @cached_property
    def seen(self) -> Anatomy:
        """How the network is built; empty where it can't be run by itself."""
        device = self.patient.recipe.device
        inputs = tuple(part[:FEW].to(device) for part in self.sample[0])
        try:
            return anatomy(self.patient.model.to(device), inputs)
        except Exception:  # a user's network may refuse anything; what can't be seen is not operated on
            return Anatomy([], {}, [], "", {})

    def of_model(self, model: nn.Module) -> Anatomy:
        """Return how a changed network is built."""
        return replace(self, patient=replace(self.patient, model=model)).seen

    def of(self, patient: Patient) -> Case:
        """Return the case of a patient that has been treated already, as combinations need it."""
        return Case(patient, self.finding)


class Remedy(NamedTuple):
    """A change of a training that may mend what was found.

    change   returns the treated training; None where the remedy does not apply: then it is not tried
    """

    name: str
    change: Callable[[Case], Patient | None]
