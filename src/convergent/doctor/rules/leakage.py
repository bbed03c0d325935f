"""Does the validation data, or the input itself, give away what is to be predicted?"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from convergent.doctor.features import (
    MOST_ROWS,
    ROWS_AT_ONCE,
    class_targets,
    feature_name,
    guess_classes,
    is_numeric,
    nearest,
    numeric_targets,
    standardised_features,
)
from convergent.doctor.findings import finding
from convergent.doctor.hashes import hash_samples
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.rules.copies import large_domain
from convergent.doctor.statistics import median
from convergent.types import Finding

FEWEST = 40
SHORTEST, LONGEST, MOST_SHIFTS = 8, 2048, 64
"""Of windows that are looked at, in steps."""
DISTINCT = 0.5
"""Of the first halves of windows: how many are unlike each other in a series."""
LEAST_COLUMNS, MOST_COLUMNS = 8, 1024
LEAST_SETS, UPON, BY_CHANCE = 3, 0.25, 0.1
"""Of evaluated sets; of the distance of a training sample to its nearest; of samples, how many are so near at most."""
SURE, NEARLY, APART = 0.99, 0.95, 0.06
"""Of the labels that one column tells: all but rounding, nearly all, and by how much more than the others together."""
SAME, ALL = 1 - 1e-6, 0.999
"""A correlation but for rounding; a share of samples."""


def train_val_leakage(evidence: Evidence) -> Finding | None:
    """Say where validation samples are training samples too."""
    unseen = _nothing_unseen(evidence) or _folds_seen_before(evidence) or _windows_between_windows(evidence)
    if unseen is not None:
        return unseen
    shared, valid = evidence.data.overlap, evidence.data.valid or evidence.data.train
    if shared is None or shared < 0.02 or valid is None or not large_domain(evidence.data.train):
        return None
    count = round(shared * len(valid.inputs))
    if count < 3:
        return None
    train = evidence.data.train
    hashes = train.hashes if train is not None else []
    natural = 1 - len(set(hashes)) / len(hashes) if hashes else 0.0
    repeats = shared < 4 * natural  # the data repeats itself as much within the training split
    return finding(
        "data/train-val-leakage",
        "critical" if shared > 0.1 and not repeats else "info" if repeats and shared < 0.1 else "warning",
        "validation data",
        f"{shared:.0%} of the validation samples are in the training data: the score is not that of unseen data",
        share=shared,
    )


def _folds_seen_before(evidence: Evidence) -> Finding | None:
    """Say where a cross-validation goes on with the model of the fold before."""
    if not large_domain(evidence.data.train) or not (evidence.data.unseen_at_first_alone or _near_later(evidence)):
        return None
    return finding(
        "data/train-val-leakage",
        "critical",
        "validation data",
        "what is validated was unseen at first, and from then on other samples are validated, all of which had been "
        "trained on before: the model is not made anew for each fold of a cross-validation",
    )


def _near_later(evidence: Evidence) -> bool:
    """Return whether the first validation samples lie apart from the training samples, and all later ones upon them.

    Upon: far nearer than training samples to each other. Folds that are scaled by their own statistics are never equal.
    """
    train, valid = evidence.data.train, evidence.data.valid
    if train is None or valid is None or not is_numeric(train, FEWEST) or not is_numeric(valid, FEWEST):
        return False
    if len(valid.batch_sizes) < LEAST_SETS:
        return False
    if evidence.data.valid_comes_again or train.inputs.ndim != 2 or train.inputs.shape[1:] != valid.inputs.shape[1:]:
        return False  # in a fold of its own: samples are evaluated until the next fold begins
    count = min(len(train.inputs), MOST_ROWS // 2)
    both_ND = standardised_features(torch.cat([train.inputs[:count], valid.inputs[: MOST_ROWS - count]]))
    mine_ND, other_ND = both_ND[:count], both_ND[count:]
    usual = (mine_ND - mine_ND[nearest(mine_ND, 1)[:, 0]]).norm(dim=1).median()
    apart_N = torch.cat([torch.cdist(part, mine_ND).amin(1) for part in other_ND.split(ROWS_AT_ONCE)])
    near = [float((part < UPON * usual).float().mean()) for part in apart_N.split(_whole(valid, len(apart_N)))]
    return len(near) >= LEAST_SETS and near[0] < BY_CHANCE and min(near[1:]) > 0.5


def _whole(samples: SampleSet, rows: int) -> list[int]:
    """Return the sizes of the sets in the first rows; the last may be cut."""
    sizes: list[int] = []
    for size in samples.batch_sizes:
        if sum(sizes) + size > rows:
            break
        sizes.append(size)
    return [*sizes, rows - sum(sizes)] if sum(sizes) < rows else sizes


def _windows_between_windows(evidence: Evidence) -> Finding | None:
    """Say where validation windows of a series overlap with training windows before and behind them.

    Of a series that is split by time only the windows at the border have a neighbour, and on one side.
    """
    train, valid = evidence.data.train, evidence.data.valid
    if train is None or valid is None or train.inputs.shape[1:] != valid.inputs.shape[1:] or train.inputs.ndim > 3:
        return None
    channels_first = train.inputs.ndim == 3 and train.inputs.shape[1] < train.inputs.shape[2]
    if channels_first:
        train, valid = (replace(one, inputs=one.inputs.transpose(1, 2)) for one in (train, valid))
    length = train.inputs.shape[1] if train.inputs.ndim > 1 else 0
    if not SHORTEST <= length <= LONGEST or len(valid.inputs) < FEWEST:
        return None
    kept = torch.bfloat16 if train.inputs.ndim > 2 and train.inputs.is_floating_point() else train.inputs.dtype
    mine, other = train.inputs.to(kept), valid.inputs.to(kept)
    half = length // 2
    fronts = set(hash_samples(mine[:, :half].contiguous()))
    if len(fronts) < DISTINCT * len(mine):
        return None  # a few answers to a few questions meet by chance, and are no series
    backs: set[int] = set()
    behind = torch.zeros(len(other), dtype=torch.bool)
    for shift in range(1, min(half, MOST_SHIFTS) + 1):
        backs.update(hash_samples(mine[:, shift : shift + half].contiguous()))
        later = hash_samples(other[:, shift : shift + half].contiguous())
        behind |= torch.tensor([value in fronts for value in later])
    before = torch.tensor([value in backs for value in hash_samples(other[:, :half].contiguous())])
    varied = other[:, :half].reshape(len(other), -1).float().std(1) > 0
    share = float((before & behind & varied).float().mean())
    if share < 0.1:
        return None
    return finding(
        "data/train-val-leakage",
        "critical" if share > 0.5 else "warning",
        "validation data",
        f"{share:.0%} of the validation windows overlap with training windows before and behind them: a series was cut "
        "into windows first and split at random then, so most of what is to be foretold was trained on",
        share=share,
    )


def _nothing_unseen(evidence: Evidence) -> Finding | None:
    """Say where all that is ever evaluated is a part of the training data."""
    train, scored = evidence.data.train, [one for one in evidence.evaluations if one.metric is not None]
    if train is None or len(scored) < 2 or evidence.data.overlap is not None or not large_domain(train):
        return None
    total = train.total or len(train.inputs)
    usual = median([float(one.samples) for one in scored])  # two passes with no step between count as one
    if any(one.split != "train" for one in scored) or usual > 0.5 * total:
        return None
    return finding(
        "data/train-val-leakage",
        "warning",
        "evaluated data",
        f"all {scored[-1].samples} samples that are evaluated are training samples: nothing was scored on unseen data",
        samples=scored[-1].samples,
    )


def label_leaking_feature(evidence: Evidence) -> Finding | None:
    """Say where one column alone gives the label away, and the others do not."""
    samples = evidence.data.train
    itself = _target_itself(evidence)
    if itself is not None:
        return itself
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, FEWEST) or int(labels.min()) < 0:
        return None
    if samples.inputs.ndim != 2 or not 3 <= samples.inputs.shape[1] <= 200 or len(labels.unique()) < 2:
        return None
    x_ND, y = samples.inputs[:1000].float(), labels[:1000]
    right = [_alone(x_ND[:, column], y) for column in range(x_ND.shape[1])]
    best = max(range(len(right)), key=lambda column: right[column])
    majority = float(torch.bincount(y).max() / len(y))
    if right[best] < NEARLY or majority > 0.9:
        return None
    others = [column for column in range(x_ND.shape[1]) if right[column] < 0.98 and column != best]
    if len(others) < max(2, 0.6 * x_ND.shape[1]):
        return None
    rest = guess_classes(x_ND[:, others], y)
    without = max(_right(rest.neighbours_NC, y), _right(rest.ridge_NC, y))
    if without > (0.93 if right[best] > SURE else right[best] - APART):
        return None
    name = feature_name(evidence, best)
    return finding(
        "data/label-leaking-feature",
        "critical" if right[best] > SURE else "warning",
        f"feature {name}",
        f"feature {name} alone predicts {min(1.0, right[best]):.1%} of the labels; all others together {without:.1%}",
        feature=best,
        alone=right[best],
        without=without,
    )


def _target_itself(evidence: Evidence) -> Finding | None:
    """Say where one number of every input is the number that is to be predicted."""
    samples = evidence.data.train
    numbers = numeric_targets(evidence, samples)
    if samples is None or numbers is None or not is_numeric(samples, FEWEST) or len(numbers.unique()) < FEWEST // 2:
        return None
    x_ND = samples.inputs.reshape(len(numbers), -1)
    if not LEAST_COLUMNS <= x_ND.shape[1] <= MOST_COLUMNS:
        return None  # of two or three columns a line is what a first exercise learns
    if samples.inputs.ndim > 2:  # kept with three digits
        return _found_itself(evidence, (x_ND.bfloat16() == numbers.bfloat16()[:, None]).float().mean(0), ALL)
    x_ND, y_N = x_ND[:1000].double(), numbers[:1000].double()
    x_ND = (x_ND - x_ND.mean(0)) / x_ND.std(0).clamp(min=1e-12)
    y_N = (y_N - y_N.mean()) / y_N.std().clamp(min=1e-12)
    alike_D = ((x_ND * y_N[:, None]).sum(0).abs() / (len(y_N) - 1)).nan_to_num()
    return _found_itself(evidence, alike_D.float(), SAME)


def _found_itself(evidence: Evidence, alike_D: Tensor, least: float) -> Finding | None:
    best = int(alike_D.argmax())
    if float(alike_D[best]) < least:
        return None
    name = feature_name(evidence, best)
    return finding(
        "data/label-leaking-feature",
        "critical",
        f"feature {name}",
        f"feature {name} of the inputs is the target itself, or the target in other units: nothing is predicted",
        feature=best,
        alike=float(alike_D[best]),
    )


def _alone(column: Tensor, labels: Tensor) -> float:
    """Return how often both neighbours on one axis have a sample's label: the power of that feature alone."""
    order = torch.argsort(column + 1e-9 * torch.arange(len(column)))
    sorted_labels = labels[order]
    return float((sorted_labels[1:] == sorted_labels[:-1]).float().mean()) + len(labels.unique()) / len(labels)


def _right(shares_NC: Tensor, labels: Tensor) -> float:
    return float((shares_NC.argmax(1) == labels[: len(shares_NC)]).float().mean())


RULES = (train_val_leakage, label_leaking_feature)
