"""Remedies on what the network learns from: scale of inputs and targets, balance, duplicates, leakage, gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from convergent.doctor.hashes import hash_samples
from convergent.treat.chosen import ChosenSamples
from convergent.treat.patient import Patient
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.wrappers import RescaledOutput, ScaledLoss, StandardisedInput, input_statistics
from convergent.treat.yardstick import class_ids, unequal
from convergent.types import Samples

FEWEST_VALID = 32


def standardised(case: Case) -> Patient | None:
    """Standardise the first input by the statistics of the training samples, within the network."""
    inputs = case.sample[0][0]
    if case.patient.tasks is not None or not inputs.is_floating_point():
        return None
    mean, std = input_statistics(inputs)
    near = bool((mean.abs() < 0.1 * std).all()) and bool(((std > 0.5) & (std < 2)).all())
    if near and bool(torch.isfinite(inputs).all()):
        return None
    treated = case.patient.operated(lambda model: StandardisedInput(model, mean, std))
    line = "x = (x - x_train.mean(0)) / x_train.std(0)  # for training, validation and use alike"
    return treated and treated.noted("standardise-inputs", "inputs standardised by training statistics", (line,))


def scaled_targets(case: Case) -> Patient | None:
    """Let the network learn a standardised target; its output stays in the target's units."""
    targets = case.sample[1]
    if case.patient.tasks is not None or not targets.is_floating_point() or not case.seen.layers:
        return None
    mean, std = input_statistics(targets.reshape(len(targets), -1))
    if targets.ndim != 2:
        mean, std = mean.mean(), std.mean()
    loss = ScaledLoss(case.patient.recipe.loss, mean, std)
    treated = case.patient.operated(lambda model: RescaledOutput(model, mean, std))
    line = "y = (y - y_train.mean()) / y_train.std()  # and prediction * y_train.std() + y_train.mean()"
    return treated and treated.with_loss(loss).noted("standardise-targets", "targets standardised", (line,))


def resampled(case: Case) -> Patient | None:
    """Draw each class as often as the others, the same number of samples an epoch."""
    patient = case.patient
    if patient.tasks is not None:  # no option of ours would say it
        return None
    targets = all_targets(patient)
    labels = class_ids(targets).reshape(-1).numpy()
    if len(labels) != len(patient.train) or not unequal(targets):
        return None
    rng = np.random.default_rng(patient.config.seed)
    classes = np.unique(labels)
    each = -(-len(labels) // len(classes))
    chosen = []
    for label in classes:
        mine = np.flatnonzero(labels == label)
        whole, rest = divmod(each, len(mine))
        chosen.append(np.concatenate([np.tile(mine, whole), rng.permutation(mine)[:rest]]))
    rows = np.concatenate(chosen)[: len(labels)] if len(classes) > 2 else np.concatenate(chosen)
    treated = replace(patient, train=ChosenSamples(patient.train, np.sort(rows)))
    line = "sampler = torch.utils.data.WeightedRandomSampler(1 / counts[labels], len(labels))"
    return treated.noted("resample", "every class drawn as often", (line,))


def all_targets(patient: Patient) -> Tensor:
    """Return the targets of every training sample."""
    indices = np.arange(len(patient.train))
    parts = [patient.train.batch(part).targets for part in np.array_split(indices, max(1, len(indices) // 4096))]
    return torch.cat(parts)


def resplit(case: Case) -> Patient | None:
    """Take the samples that are training samples too out of the validation data, where enough are left."""
    patient = case.patient
    if patient.tasks is not None:  # our own splits keep copies together already
        return None
    train, valid = (_hashes(samples) for samples in (patient.train, patient.valid))
    if train is None or valid is None:
        return None
    known = set(train)
    kept = np.array([row for row, value in enumerate(valid) if value not in known])
    if len(kept) == len(valid) or len(kept) < FEWEST_VALID:
        return None
    treated = replace(patient, valid=ChosenSamples(patient.valid, kept))
    detail = f"{len(valid) - len(kept)} of {len(valid)} validation samples left out: they are training samples"
    line = "keep equal samples (of one person, one time) in one split: sklearn.model_selection.GroupShuffleSplit"
    return treated.noted("re-split", detail, (line,))


def without_copies(case: Case) -> Patient | None:
    """Leave out training samples that stand in the validation data or earlier in the training data."""
    patient = case.patient
    if patient.tasks is not None:  # no option of ours would say it
        return None
    train, valid = (_hashes(samples) for samples in (patient.train, patient.valid))
    if train is None or valid is None:
        return None
    known, kept = set(valid), []
    for row, value in enumerate(train):
        if value not in known:
            known.add(value)
            kept.append(row)
    if len(kept) == len(train) or len(kept) < patient.batch_size:
        return None
    treated = replace(patient, train=ChosenSamples(patient.train, np.array(kept)))
    dropped = len(train) - len(kept)
    return treated.noted("drop-copies", f"{dropped} copies left out of the training samples", ("drop_duplicates()",))


def _hashes(samples: Samples) -> list[int] | None:
    found: list[int] = []
    for part in np.array_split(np.arange(len(samples)), max(1, len(samples) // 4096)):
        hashes = [hash_samples(one) for one in samples.batch(part).inputs]
        if not all(hashes):
            return None
        found += [hash(parts) for parts in zip(*hashes, strict=True)]
    return found


def finite_rows(case: Case) -> Patient | None:
    """Leave out training samples with a missing target, and set missing inputs to the mean."""
    patient = case.patient
    if patient.tasks is not None:  # no option of ours would say it
        return None
    targets = all_targets(patient)
    known = torch.isfinite(targets.float().reshape(len(targets), -1)).all(1).numpy()
    kept = np.flatnonzero(known)
    if len(kept) < len(known):
        patient = replace(patient, train=ChosenSamples(patient.train, kept))
        patient = patient.noted("drop-rows", f"{len(known) - len(kept)} samples without a target left out", ())
    prepared = standardised(case.of(patient))
    return prepared or (patient if len(kept) < len(known) else None)


RESPLIT = Remedy("re-split", resplit)
STANDARDISED = Remedy("standardise-inputs", standardised)
SCALED_TARGETS = Remedy("standardise-targets", scaled_targets)
RESAMPLED = Remedy("resample", resampled)
WITHOUT_COPIES = Remedy("drop-copies", without_copies)
FINITE_ROWS = Remedy("finite", finite_rows)
