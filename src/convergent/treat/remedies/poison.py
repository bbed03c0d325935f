"""Remedies against single samples that break a training: they are left out of the batches, by name.

Another sample stands in for each, so every batch without one of them stays as it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from convergent.treat.chosen import ReplacedSamples
from convergent.treat.patient import Patient
from convergent.treat.remedies.remedy import Case, Remedy

HUGE = 1000.0
"""Distances from the median, by that between the 10 % and 90 % quantiles: no natural distribution goes as far."""
FEW = 0.05
MOST_NAMED = 5


def without_poison(case: Case) -> Patient | None:
    """Leave out the samples that hold NaN, infinite or huge values, where they are few."""
    if case.patient.tasks is not None:  # no option of ours would say it
        return None
    found = poisoned(case.patient)
    return left_out(case.patient, found, "hold values that are not finite or huge") if len(found) else None


def without_batch(case: Case) -> Patient | None:
    """Leave out the samples of the batch at which the loss jumped."""
    patient, step = case.patient, case.finding.evidence.get("step")
    if patient.tasks is not None or not isinstance(step, int) or step < 1:
        return None
    batches = patient.batches
    epoch, index = divmod(step - 1, batches.steps_per_epoch)
    return left_out(patient, batches.indices(epoch, index, index + 1), f"were the batch of step {step}")


def left_out(patient: Patient, rows: np.ndarray, why: str) -> Patient | None:
    """Return the patient without some training samples; None where they are too many to be the exception."""
    if not 0 < len(rows) <= FEW * len(patient.train):
        return None
    names = ", ".join(patient.train.name(int(row)) for row in rows[:MOST_NAMED])
    rest = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    treated = replace(patient, train=ReplacedSamples(patient.train, np.sort(rows)))
    detail = f"{len(rows)} samples left out that {why}: {names}{rest}"
    line = f"train = torch.utils.data.Subset(train, [i for i in range(len(train)) if i not in {set(rows.tolist())}])"
    return treated.noted("skip-samples", detail, (line,) if len(rows) <= MOST_NAMED else ("look at the samples named",))


def poisoned(patient: Patient) -> np.ndarray:
    """Return the indices of the training samples whose inputs or targets are not finite or huge."""
    indices = np.arange(len(patient.train))
    parts = [patient.train.batch(part) for part in np.array_split(indices, max(1, len(indices) // 4096))]
    columns = [torch.cat(one) for one in zip(*(part.inputs for part in parts), strict=True)]
    bad_N = torch.zeros(len(indices), dtype=torch.bool)
    for values in (*columns, torch.cat([part.targets for part in parts])):
        if values.is_floating_point():
            bad_N |= far_off(values.reshape(len(values), -1))
    return np.flatnonzero(bad_N.numpy())


def far_off(x_ND: Tensor) -> Tensor:
    """Return (N,) whether a row holds a value that is not finite, or far out of its column's spread.

    >>> far_off(torch.tensor([[0.0], [1.0], [2.0], [float("nan")], [1e9]])).tolist()
    [False, False, False, True, True]
    """
    finite_ND = torch.isfinite(x_ND)
    known_ND = torch.where(finite_ND, x_ND.float(), torch.nan)
    low, middle, high = (_quantile(known_ND, share) for share in (0.1, 0.5, 0.9))
    spread_D = torch.where(high > low, high - low, torch.inf)
    # A column that hardly ever changes has no spread to measure by.
    far_ND = (known_ND - middle).abs() > HUGE * spread_D.clamp(min=1e-12)
    return ~finite_ND.all(1) | far_ND.any(1)


def _quantile(x_ND: Tensor, share: float) -> Tensor:
    """Return the quantile of each column that is not missing, by sorting: torch's own is bounded in size."""
    sorted_ND = x_ND.sort(0).values  # NaN last
    count_D = torch.isfinite(x_ND).sum(0)
    place_D = ((count_D - 1).clamp(min=0) * share).long()
    return sorted_ND.gather(0, place_D[None])[0]


WITHOUT_POISON = Remedy("skip-samples", without_poison)
WITHOUT_BATCH = Remedy("skip-batch", without_batch)
