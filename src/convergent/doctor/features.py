"""Samples as plain feature vectors, and cheap probes of what they say about the targets.

Two probes that need no training: nearest neighbours (Cover and Hart 1967), and ridge regression on one-hot targets with
its leave-one-out predictions in closed form (Hoerl and Kennard 1970). What neither finds may still be there; what one
finds is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from convergent.doctor.record import Evidence, SampleSet

MOST_ROWS = 2000
MOST_FEATURES = 256
ROWS_AT_ONCE = 64
"""More would show in the peak of a small training's memory."""
MOST_TARGETS = 16
NEIGHBOURS = 5
RIDGE = 1.0
FEWEST_LEFT = 40
LAST = 64
"""Columns of the last token."""
SPREADS = 2654435761
"""Knuth's multiplicative hash."""
MIXED = 0.8
"""Smoothing leaves more than this to the class itself."""


def is_numeric(samples: SampleSet | None, least: int = 1) -> bool:
    """Return whether inputs are real numbers (no tokens), with at least so many samples."""
    return samples is not None and samples.inputs.is_floating_point() and len(samples.inputs) >= least


def each_once(samples: SampleSet) -> SampleSet:
    """Return the samples without those that were drawn before: each would be its own nearest neighbour."""
    if len(samples.hashes) != len(samples.inputs) or len(set(samples.hashes)) == len(samples.hashes):
        return samples
    first = {key: row for row, key in reversed(list(enumerate(samples.hashes)))}
    rows = torch.tensor(sorted(first.values()))
    if len(rows) < FEWEST_LEFT:
        return samples
    targets = samples.targets[rows] if samples.targets is not None else None
    return SampleSet(samples.inputs[rows], targets, [len(rows)], [samples.hashes[row] for row in rows.tolist()])


def made_anew(samples: SampleSet | None) -> bool:
    """Return whether no sample came twice and hardly two batches have one size: an agent's steps, rewarded ever better.

    >>> made_anew(SampleSet(torch.zeros(26, 4), None, [5, 6, 7, 8])), made_anew(SampleSet(torch.zeros(8, 4), None, [8]))
    (True, False)
    """
    if samples is None or samples.total is not None:
        return False
    return len(set(samples.batch_sizes)) > max(3, len(samples.batch_sizes) // 2)


def are_tokens(samples: SampleSet | None, least: int = 1) -> bool:
    """Return whether inputs are sequences of class numbers, (N, T), with at least so many samples."""
    if samples is None or len(samples.inputs) < least or samples.inputs.ndim != 2:
        return False
    return samples.inputs.dtype in (torch.int32, torch.int64) and samples.inputs.shape[1] > 1


def bag_of_tokens(samples: SampleSet) -> SampleSet:
    """Return how often each token occurs in a sample, and which is the last, in 256 columns that tokens may share.

    >>> bag_of_tokens(SampleSet(torch.tensor([[5, 5, 2]]), None)).inputs.sum(1).tolist()
    [4.0]
    """
    ids_NT = samples.inputs[:MOST_ROWS].long() * SPREADS % 2**31
    bag_ND = torch.zeros(len(ids_NT), MOST_FEATURES)
    bag_ND.scatter_add_(1, ids_NT % (MOST_FEATURES - LAST), torch.ones(ids_NT.shape))
    bag_ND[torch.arange(len(ids_NT)), MOST_FEATURES - LAST + ids_NT[:, -1] % LAST] = 1.0
    targets = samples.targets[:MOST_ROWS] if samples.targets is not None else None
    return replace(samples, inputs=bag_ND, targets=targets, hashes=samples.hashes[:MOST_ROWS])


def shares_units(inputs: Tensor) -> bool:
    """Return whether all features of an input are of one kind: pixels, time steps, or many columns of a like range."""
    if inputs.ndim >= 3:
        return True
    if inputs.ndim < 2 or inputs.shape[1] < 32:
        return False
    spans = inputs.float().amax(0) - inputs.float().amin(0)
    return bool(spans.median() > spans.max() / 4)


def standardised_features(inputs: Tensor) -> Tensor:
    """Return at most 2,000 samples as standardised vectors of at most 256 features, by a fixed random projection."""
    x_ND = torch.nan_to_num(inputs[:MOST_ROWS].float().reshape(min(len(inputs), MOST_ROWS), -1), posinf=0.0, neginf=0.0)
    x_ND -= x_ND.mean(0)
    spread = x_ND.std(0, unbiased=False)
    x_ND /= spread.mean() + 1e-9 if shares_units(inputs) else spread.clamp(min=1e-9)
    if x_ND.shape[1] > MOST_FEATURES:
        generator = torch.Generator().manual_seed(0)
        turn = torch.randn(x_ND.shape[1], MOST_FEATURES, generator=generator) / MOST_FEATURES**0.5
        x_ND = x_ND @ turn
    return x_ND


def class_targets(evidence: Evidence, samples: SampleSet | None) -> Tensor | None:
    """Return one class number a sample, (N,); None where targets are not one class each."""
    call = evidence.data.loss
    if call is None or samples is None or samples.targets is None or not len(samples.targets):
        return None
    targets = samples.targets
    if call.kind in ("cross_entropy", "nll"):
        if targets.is_floating_point() and targets.ndim == 2:
            return targets.argmax(1)
        return targets.reshape(-1).long() if targets.numel() == len(targets) else None
    if call.kind in ("bce", "bce_with_logits") and targets.numel() == len(targets):
        values = targets.reshape(-1).float()
        return values.long() if bool(((values == 0) | (values == 1)).all()) else None
    if call.kind in ("mse", "l1") and targets.numel() == len(targets):
        values = targets.reshape(-1).float()
        few = values.unique()
        return values.long() if len(few) == 2 and few.tolist() in ([0.0, 1.0], [-1.0, 1.0]) else None
    return None


def numeric_targets(evidence: Evidence, samples: SampleSet | None) -> Tensor | None:
    """Return one number a sample, (N,), of a regression."""
    call = evidence.data.loss
    if call is None or call.kind not in ("mse", "l1", "smooth_l1") or samples is None or samples.targets is None:
        return None
    return samples.targets.float().reshape(-1) if samples.targets.numel() == len(samples.targets) else None


def target_columns(evidence: Evidence, samples: SampleSet | None) -> Tensor | None:
    """Return a few numbers a sample, (N, K), of a regression."""
    call = evidence.data.loss
    if call is None or call.kind not in ("mse", "l1", "smooth_l1") or samples is None or samples.targets is None:
        return None
    y_NK = samples.targets.float().reshape(len(samples.targets), -1) if len(samples.targets) else None
    return y_NK if y_NK is not None and 0 < y_NK.shape[1] <= MOST_TARGETS else None


def feature_name(evidence: Evidence, column: int) -> str:
    """Return the name of an input's column, or its number."""
    names = evidence.data.feature_names
    return names[column] if column < len(names) else str(column)


def are_mixed(targets: Tensor | None) -> bool:
    """Return whether many samples belong to several classes at once, as after mixing two of them: no label is wrong.

    >>> are_mixed(torch.tensor([[0.6, 0.4], [0.0, 1.0]])), are_mixed(torch.tensor([[0.95, 0.05], [0.0, 1.0]]))
    (True, False)
    """
    if targets is None or not targets.is_floating_point() or targets.ndim != 2 or targets.shape[1] < 2:
        return False
    shares_N = targets.float().amax(1) / targets.float().sum(1).clamp(min=1e-9)
    return float((shares_N < MIXED).float().mean()) > 0.05


class Guess(NamedTuple):
    """Leave-one-out predictions of class shares, or of numbers, (N, C) each."""

    neighbours_NC: Tensor
    ridge_NC: Tensor


def nearest(x_ND: Tensor, count: int) -> Tensor:
    """Return the indices of each sample's nearest others, (N, count)."""
    count = min(count, len(x_ND) - 1)
    found_NK = torch.empty(len(x_ND), count, dtype=torch.long)  # beforehand: what is kept in the loop splits the heap
    for rows in torch.arange(len(x_ND)).split(ROWS_AT_ONCE):
        distances_RN = torch.cdist(x_ND[rows], x_ND)
        distances_RN[torch.arange(len(rows)), rows] = float("inf")
        found_NK[rows] = distances_RN.topk(count, largest=False).indices
    return found_NK


def _ridge(x_ND: Tensor, y_NC: Tensor) -> tuple[Tensor, Tensor]:
    """Return the inverse of the penalised products of the features, and the weights, both in double precision."""
    penalty = RIDGE * torch.eye(x_ND.shape[1], dtype=torch.double) * (len(x_ND) ** 0.5)
    parts = x_ND.split(ROWS_AT_ONCE)
    squares_DD = sum((part.double().T @ part.double() for part in parts), penalty)
    products_DC = sum(
        (part.double().T @ y.double() for part, y in zip(parts, y_NC.split(ROWS_AT_ONCE), strict=True)),
        torch.zeros(x_ND.shape[1], y_NC.shape[1], dtype=torch.double),
    )
    # numpy's: torch's takes two megabytes of buffers, as much as all else here together.
    inverse_DD = torch.from_numpy(np.linalg.inv(squares_DD.numpy()))
    return inverse_DD, inverse_DD @ products_DC


def _with_ones(x_ND: Tensor) -> Tensor:
    return torch.cat([x_ND, torch.ones(len(x_ND), 1)], 1)


def ridge(x_ND: Tensor, y_NC: Tensor, other_MD: Tensor) -> Tensor:
    """Return what ridge regression on the first samples predicts for the others, (M, C)."""
    _, weights_DC = _ridge(_with_ones(x_ND), y_NC)
    return (_with_ones(other_MD).double() @ weights_DC).float()


def ridge_loo(x_ND: Tensor, y_NC: Tensor) -> Tensor:
    """Return leave-one-out predictions of ridge regression, (N, C): y - (y - H y) / (1 - diag H)."""
    x = _with_ones(x_ND)
    inverse_DD, weights_DC = _ridge(x, y_NC)
    predicted = []
    for part, y in zip(x.split(ROWS_AT_ONCE), y_NC.double().split(ROWS_AT_ONCE), strict=True):
        rows = part.double()
        left = (1 - (rows @ inverse_DD * rows).sum(1)).clamp(min=1e-3)[:, None]
        predicted.append((y - (y - rows @ weights_DC) / left).float())
    return torch.cat(predicted)


def guess_numbers(inputs: Tensor, numbers_NK: Tensor) -> tuple[Tensor, Guess]:
    """Return the standardised numbers of the first 2,000 samples, and what both probes say about each of them."""
    x_ND = standardised_features(inputs)
    y_NK = numbers_NK[: len(x_ND)]
    y_NK = (y_NK - y_NK.mean(0)) / y_NK.std(0)
    return y_NK, Guess(y_NK[nearest(x_ND, NEIGHBOURS)].mean(1), ridge_loo(x_ND, y_NK))


def recalls(scores_NC: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Return (share that is told right, samples) of each class that is there, (K,) each."""
    right_N, found_K = (scores_NC.argmax(1) == labels_N).float(), labels_N.unique()
    counts_K = torch.stack([(labels_N == k).sum() for k in found_K])
    return torch.stack([right_N[labels_N == k].mean() for k in found_K]), counts_K


def guess_classes(inputs: Tensor, labels_N: Tensor) -> Guess:
    """Return what neighbours and ridge regression say about the class of each of the first 2,000 samples."""
    x_ND = standardised_features(inputs)
    labels_N = labels_N[: len(x_ND)]
    classes = int(labels_N.max()) + 1
    one_hot = torch.nn.functional.one_hot(labels_N, classes).float()
    return Guess(one_hot[nearest(x_ND, NEIGHBOURS)].mean(1), ridge_loo(x_ND, one_hot))
