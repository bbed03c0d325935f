"""Does the loader give batches that are alike in kind and different in their random numbers?"""

from __future__ import annotations

import torch
from torch import Tensor

from convergent.doctor.features import class_targets, is_numeric, made_anew, numeric_targets
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.statistics import failed
from convergent.types import Finding

FEWEST = 40
PERMUTATIONS = 200
MOST_WORKERS = 8
SURE = 8.0
"""In standard deviations of a permutation test: eight tests a training must not raise one false alarm."""
SHARED = 0.02
MOST_CLASSES, APART = 100, 0.6
"""Of the shares of classes between first and last batches; of 40 samples in four classes they differ by 0.2."""


def _other_classes(evidence: Evidence) -> Finding | None:
    """Say where the last batches hold other classes than the first: what was learned of those is forgotten."""
    samples, late = evidence.data.train, evidence.data.late_classes
    labels = class_targets(evidence, samples)
    if labels is None or late is None or min(len(labels), len(late)) < FEWEST or int(labels.min()) < 0:
        return None
    classes = evidence.data.num_classes or 0
    if not 2 <= classes <= MOST_CLASSES or not 0 <= int(late.min()) <= int(late.max()) < classes:
        return None
    early = torch.bincount(labels, minlength=classes) / len(labels)
    last = torch.bincount(late.long(), minlength=classes) / len(late)
    apart = float((early - last).abs().sum()) / 2
    if apart < APART or len(late) < 4 * classes:
        return None
    return finding(
        "data/not-shuffled",
        "critical" if apart > 0.9 else "warning",
        "batches",
        f"the classes of the last {len(late)} samples are not those of the first {len(labels)} ({apart:.0%} of the "
        "shares differ): the data comes in an order, and what is learned first is forgotten",
        apart=apart,
    )


def not_shuffled(evidence: Evidence) -> Finding | None:
    """Say where batches are ordered by target, by a permutation test of how much their means differ."""
    changed = _other_classes(evidence)
    if changed is not None:
        return changed
    samples = evidence.data.train
    if (
        samples is None
        or samples.targets is None
        or len(samples.batch_sizes) < 4
        or not samples.inputs.is_floating_point()
        or made_anew(samples)
    ):
        return None
    labels = class_targets(evidence, samples)
    numbers = numeric_targets(evidence, samples)
    if labels is not None and int(labels.min()) >= 0:
        y_NC = torch.nn.functional.one_hot(labels).float()
    elif numbers is not None:
        y_NC = numbers[:, None]
    else:
        return None
    if len(y_NC) != sum(samples.batch_sizes) or not torch.isfinite(y_NC).all():
        return None
    generator = torch.Generator().manual_seed(0)
    found = _between(y_NC, samples.batch_sizes)
    chance = torch.tensor(
        [
            _between(y_NC[torch.randperm(len(y_NC), generator=generator)], samples.batch_sizes)
            for _ in range(PERMUTATIONS)
        ]
    )
    score = float((found - chance.mean()) / chance.std().clamp(min=1e-12))
    share = found / float(y_NC.var(0, unbiased=False).sum().clamp(min=1e-12))
    if score < 6 or share < 0.15:
        return None
    return finding(
        "data/not-shuffled",
        "critical" if failed(evidence) or share > 0.6 else "warning",
        "batches",
        f"batches differ in their targets far more than shuffled ones would ({share:.0%} of the spread lies "
        "between batches, "
        f"{score:.0f} standard deviations above chance): the data comes in an order",
        share_between=share,
        z=score,
    )


def _between(y_NC: Tensor, sizes: list[int]) -> float:
    """Return the variance of the targets between batches."""
    parts = y_NC.split(sizes)
    means = torch.stack([part.mean(0) for part in parts])
    weights = torch.tensor(sizes, dtype=torch.float)[:, None] / sum(sizes)
    return float((weights * (means - y_NC.mean(0)).pow(2)).sum())


def worker_seeds_repeated(evidence: Evidence) -> Finding | None:
    """Say where batches of neighbouring workers are equal, or carry the same random changes."""
    count = evidence.data.repeated_batches
    if count >= 2:
        return finding(
            "data/worker-seeds-repeated",
            "warning",
            "loader workers",
            f"{count} batches are equal to the one before: loader workers draw the same random numbers",
            batches=count,
        )
    found = _shared_changes(evidence)
    if found is None:
        return None
    lag, score, share = found
    return finding(
        "data/worker-seeds-repeated",
        "warning",
        "loader workers",
        f"samples at the same place of batches {lag} apart share {share:.0%} of their variance, {score:.0f} standard "
        "deviations above chance, and their targets share nothing: loader workers draw the same random numbers",
        lag=lag,
        z=score,
        share=share,
    )


def _shared_changes(evidence: Evidence) -> tuple[int, float, float] | None:
    """Return (lag, z, share of the variance) of what samples at one place of batches that many apart have in common.

    A permutation test: which place in its batch a shuffled sample takes says nothing of the sample. An order that fixes
    the places shows in the targets too.
    """
    samples, data = evidence.data.train, evidence.data
    if samples is None or not is_numeric(samples, FEWEST) or samples.with_replacement or data.loss is None:
        return None
    sizes = samples.batch_sizes
    whole = sum(1 for size in sizes if size == sizes[0]) if sizes else 0
    if whole < 4 or sizes[0] < 8 or sizes[:whole] != sizes[:1] * whole or samples.targets is None:
        return None
    rows = whole * sizes[0]
    y = class_targets(evidence, samples)
    numbers = y.float() if y is not None else numeric_targets(evidence, samples)
    if numbers is None or len(numbers) < rows:
        return None
    x_BPD = _places(torch.nan_to_num(samples.inputs[:rows].float().reshape(rows, -1)), whole)
    y_BPD = _places(numbers[:rows, None], whole)
    for lag in range(1, min(MOST_WORKERS, whole // 2) + 1):
        score, share = _in_place(x_BPD, lag)
        if score > SURE and share > SHARED and _in_place(y_BPD, lag)[0] < 3:
            return lag, score, share
    return None


def _places(x_ND: Tensor, batches: int) -> Tensor:
    """Return standardised samples by batch and place, (batches, places, features); constant features are zero."""
    spread_D = x_ND.std(0, unbiased=False)
    x_ND = (x_ND - x_ND.mean(0)).div_(spread_D.clamp(min=1e-12)).masked_fill_(~(spread_D > 0), 0.0)
    return x_ND.reshape(batches, len(x_ND) // batches, -1)


def _in_place(x_BPD: Tensor, lag: int) -> tuple[float, float]:
    """Return how far the mean product of samples at one place is above that of other places, in z and as a share."""
    first, second = x_BPD[:-lag], x_BPD[lag:]
    products_PP = torch.einsum("bpd,bqd->pq", first, second) / (len(first) * x_BPD.shape[2])
    places = len(products_PP)
    on = products_PP.diagonal().mean()
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(places)
    chance = torch.stack(
        [products_PP[rows, torch.randperm(places, generator=generator)].mean() for _ in range(PERMUTATIONS)]
    )
    power = float(x_BPD.pow(2).mean())
    return float((on - chance.mean()) / chance.std().clamp(min=1e-12)), float(on - chance.mean()) / max(power, 1e-12)


RULES = (not_shuffled, worker_seeds_repeated)
