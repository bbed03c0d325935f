"""Are the inputs that are validated, and those at the end of the training, of the kind that was learned from first?"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from convergent.doctor.features import class_targets, is_numeric, shares_units, standardised_features
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.rules.transfer import unlike_preparation
from convergent.doctor.statistics import failed, last_evaluation, learned_well, skill
from convergent.types import Finding

FEWEST = 100
FEWEST_PICTURES = 3
"""Each of which has to lie beyond all training pictures where there are fewer than 16."""
COLOURS_APART = 6.0
"""In standard errors, of pictures whose colours differ for certain."""
FIRST = 256
ALIKE, FAR = 1.4, 1.6
"""Of the spreads of inputs: of two halves of the data, and of what has become something else."""


def preprocessing_mismatch(evidence: Evidence) -> Finding | None:
    """Say where validation inputs are prepared in another way than training inputs."""
    return _other_scale(evidence) or unlike_preparation(evidence)


def _other_scale(evidence: Evidence) -> Finding | None:
    """Say where validation inputs are of another scale or level than training inputs."""
    train, valid = evidence.data.train, evidence.data.valid
    if train is None or valid is None or not is_numeric(train, 16) or not is_numeric(valid, FEWEST_PICTURES):
        return None
    if not _of_one_kind(train.inputs, valid.inputs) or (len(valid.inputs) < 16 and not _all_beyond(train, valid)):
        return None
    a, b = (_by_feature(replace(one, inputs=_usual(one.inputs))) for one in (train, valid))
    turned = _other_channels(train.inputs, valid.inputs)
    if turned is not None:
        return finding(
            "data/preprocessing-mismatch",
            "critical" if (skill(last_evaluation(evidence, "valid")) or 0.0) < 0.5 else "warning",
            "validation inputs",
            f"the colours of validation pictures differ by {turned[0]:.3g} standard errors from those of training "
            f"pictures, and by {turned[1]:.2g} where their channels are read in reverse: red and blue are exchanged",
            apart=turned[0],
            apart_reversed=turned[1],
        )
    spread = a.std(0) + 1e-6
    shift = float(((a.mean(0) - b.mean(0)).abs() / spread).median())
    scale = float(((b.std(0) + 1e-6) / spread).log().abs().median().exp())
    if shift < 1.0 and scale < 2.5:
        return None
    found = skill(last_evaluation(evidence, "valid"))
    return finding(
        "data/preprocessing-mismatch",
        "critical" if found is None or found < 0.5 else "warning",
        "validation inputs",
        f"validation inputs are shifted by {shift:.2g} standard deviations of the training inputs and differ in "
        "scale by "
        f"a factor of {scale:.2g}",
        shift=shift,
        scale=scale,
        train_mean=float(a.mean()),
        valid_mean=float(b.mean()),
    )


def _of_one_kind(train: Tensor, valid: Tensor) -> bool:
    """Return whether samples have the same shape, or are pictures with the same channels: crops of any size."""
    pictures = train.ndim == valid.ndim == 4 and train.shape[1] == valid.shape[1]
    return train.shape[1:] == valid.shape[1:] or pictures


def _all_beyond(train: SampleSet, valid: SampleSet) -> bool:
    """Return whether every one of a few validation pictures has a spread beyond that of all training pictures."""
    if valid.inputs.ndim != 4:
        return False
    a_N, b_N = (torch.nan_to_num(one.inputs.float()).flatten(1).std(1) for one in (train, valid))
    return bool((b_N < a_N.min()).all() or (b_N > a_N.max()).all())


def _other_channels(train: Tensor, valid: Tensor) -> tuple[float, float] | None:
    """Return (as they are, in reverse) how far the colours of two sets of pictures are apart, where reversing helps.

    Colour is what a channel's mean has above the mean of all three; distances are in standard errors.
    """
    if train.ndim != 4 or 3 not in (train.shape[1], train.shape[3]) or min(len(train), len(valid)) < FEWEST:
        return None
    first = train.shape[1] == 3
    a_N3, b_N3 = (torch.nan_to_num(x.float()).mean((2, 3) if first else (1, 2)) for x in (train, valid))
    a_N3, b_N3 = a_N3 - a_N3.mean(1, keepdim=True), b_N3 - b_N3.mean(1, keepdim=True)

    def apart(other_N3: Tensor) -> tuple[float, float]:
        differs_3 = (a_N3.mean(0) - other_N3.mean(0)).abs()
        spread_3 = (a_N3.var(0) + other_N3.var(0) + 1e-12).sqrt()
        error_3 = (a_N3.var(0) / len(a_N3) + other_N3.var(0) / len(other_N3) + 1e-12).sqrt()
        return float((differs_3 / error_3).max()), float((differs_3 / spread_3).max())

    (usual, effect), (reverse, _) = apart(b_N3), apart(b_N3.flip(1))
    clear = usual > COLOURS_APART and effect > 0.2 and reverse < usual / 3
    return (usual, reverse) if clear else None


def _usual(inputs: Tensor) -> Tensor:
    """Return the samples without the 2 % that hold the values farthest out: a few broken ones are no preprocessing."""
    x_ND = torch.nan_to_num(inputs.float()).reshape(len(inputs), -1)
    far_N = (x_ND - x_ND.median(0).values).abs().amax(1)
    return inputs[far_N.argsort()[: len(inputs) - max(1, len(inputs) // 50)]]


def _by_feature(samples: SampleSet) -> Tensor:
    x = torch.nan_to_num(samples.inputs.float())
    return x.reshape(-1, 1) if shares_units(samples.inputs) else x.reshape(len(x), -1)


def _drifts_away(evidence: Evidence) -> Finding | None:
    """Say where training inputs began as validation inputs are, and have another spread at the end."""
    train, valid, late = evidence.data.train, evidence.data.valid, evidence.data.late_spread
    if late is None or not is_numeric(train, 100) or not is_numeric(valid, 40) or evidence.adversarial:
        return None
    if class_targets(evidence, valid) is None:
        return None  # what an agent meets changes as it learns
    assert train is not None and valid is not None
    first, other = (float(torch.nan_to_num(one.inputs[:FIRST].float()).std()) for one in (train, valid))
    if (
        min(first, other, late) <= 0
        or max(first / other, other / first) > ALIKE
        or max(late / first, first / late) < FAR
    ):
        return None
    return finding(
        "data/augmentation-too-strong",
        "critical" if failed(evidence) else "warning",
        "training inputs",
        f"training inputs began with a spread of {first:.3g}, like validation inputs ({other:.3g}), and end with "
        f"{late:.3g}: what changes them works on the stored samples, and adds up from epoch to epoch",
        first=first,
        last=late,
        validation=other,
    )


def augmentation_too_strong(evidence: Evidence) -> Finding | None:
    """Say where training inputs lie far from validation inputs, and their labels can no longer be read from these."""
    drifted = _drifts_away(evidence)
    if drifted is not None:
        return drifted
    train, valid = evidence.data.train, evidence.data.valid
    if evidence.steps_per_epoch is not None or not is_numeric(train, 100) or not is_numeric(valid, 40):
        return None
    assert train is not None and valid is not None
    labels, known = class_targets(evidence, train), class_targets(evidence, valid)
    if labels is None or known is None or learned_well(evidence) or train.inputs.shape[1:] != valid.inputs.shape[1:]:
        return None
    count = min(600, len(valid.inputs))
    both = standardised_features(torch.cat([valid.inputs[:count], train.inputs[:count]]))
    distances = torch.cdist(both, both[:count])
    distances[:count].fill_diagonal_(float("inf"))
    near = distances.min(1)
    right_valid = float((known[near.indices[:count]] == known[:count]).float().mean())
    right_train = float((known[near.indices[count:]] == labels[:count]).float().mean())
    apart = float(near.values[count:].median() / near.values[:count].median().clamp(min=1e-6))
    noise = 2 * math.sqrt(right_valid * (1 - right_valid) / count)
    if right_valid < 0.5 or right_train > 0.7 * (right_valid - noise) or apart < 1.3:
        return None
    return finding(
        "data/augmentation-too-strong",
        "critical" if failed(evidence) else "warning",
        "training inputs",
        f"the nearest validation sample has the same label for {right_train:.0%} of the augmented training "
        "samples, but for "
        f"{right_valid:.0%} among validation samples",
        agreement=right_train,
        agreement_of_validation=right_valid,
        distance_ratio=apart,
    )


RULES = (preprocessing_mismatch, augmentation_too_strong)
