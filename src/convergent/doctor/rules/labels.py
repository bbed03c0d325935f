"""Do the labels belong to the inputs: valid, balanced, unmixed, in no order, and unknown to the validation data?

Confident learning: Northcutt et al. 2021, https://arxiv.org/abs/1911.00068.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from convergent.doctor.features import (
    class_targets,
    guess_classes,
    is_numeric,
    nearest,
    numeric_targets,
    ridge_loo,
    standardised_features,
)
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.statistics import failed, last_evaluation, learned_well, skill
from convergent.types import Finding

FEWEST = 40
NOISE = 0.08
"""Of the samples that both probes are sure of; honest data of classes that overlap stays below 0.07."""
PERMUTATIONS = 200


def invalid_labels(evidence: Evidence) -> Finding | None:
    """Say where labels lie outside what the loss is defined for."""
    call, samples = evidence.data.loss, evidence.data.train
    if call is None or samples is None or samples.targets is None or not samples.targets.numel():
        return None
    y, classes = samples.targets, evidence.data.num_classes
    if call.kind in ("cross_entropy", "nll") and call.target_is_index and classes:
        bad = (y != call.ignore_index) & ((y < 0) | (y >= classes))
        ignored = float((y == call.ignore_index).float().mean()) if y.ndim == 1 else 0.0
        says = f"class numbers run from 0 to {classes - 1}, the labels from {int(y.min())} to {int(y.max())}"
        if not bad.any() and ignored > 0.02:
            bad, says = y == call.ignore_index, f"label {call.ignore_index} is ignored by the loss"
    elif call.kind in ("bce", "bce_with_logits"):
        bad = (y < 0) | (y > 1)
        says = (
            f"the loss is defined for targets from 0 to 1, these run from {float(y.min()):.3g} to {float(y.max()):.3g}"
        )
    else:
        return None
    if not bad.any():
        return None
    return finding(
        "data/invalid-labels",
        "critical",
        f"rows {bad.reshape(len(y), -1).any(1).nonzero().flatten()[:5].tolist()}",
        f"{int(bad.sum())} of {y.numel()} labels are invalid: {says}",
        invalid=int(bad.sum()),
        of=y.numel(),
        lowest=float(y.min()),
        highest=float(y.max()),
    )


def class_imbalance(evidence: Evidence) -> Finding | None:
    """Say where classes are very unequal and the loss does not weigh them."""
    labels, call = class_targets(evidence, evidence.data.train), evidence.data.loss
    if labels is None or call is None or call.weighted or len(labels) < FEWEST or int(labels.min()) < 0:
        return None
    counts = torch.bincount(labels).float()
    counts = counts[counts > 0]
    if len(counts) < 2:
        return None
    shares = counts / counts.sum()
    evenness = float(-(shares * shares.log()).sum() / math.log(len(counts)))
    ratio = float(counts.max() / counts.min())
    if ratio <= 10 and evenness >= 0.5:
        return None
    one = last_evaluation(evidence, "valid") or last_evaluation(evidence, "train")
    hurts = True
    if one is not None and one.true_counts and len(one.predicted_counts) == len(one.true_counts):
        rare = min((k for k, t in enumerate(one.true_counts) if t > 0), key=lambda k: one.true_counts[k])
        hurts = one.predicted_counts[rare] < 0.6 * one.true_counts[rare]
        never = one.predicted_counts[rare] == 0 and one.true_counts[rare] >= 5
        hurts = hurts or never
    return finding(
        "data/class-imbalance",
        "warning" if hurts else "info",
        "labels",
        f"the largest class has {ratio:.3g} times as many samples as the smallest ({int(counts.max())} to "
        f"{int(counts.min())}) and the loss does not weigh them",
        ratio=ratio,
        evenness=evenness,
        counts=[int(count) for count in counts[:20]],
    )


def _large_domain(samples: SampleSet | None) -> bool:
    """Return whether equal inputs would be a surprise: not so for a handful of bits or short texts."""
    if samples is None or not len(samples.inputs):
        return False
    values = samples.inputs.reshape(len(samples.inputs), -1)
    if values.shape[1] < 4:
        return values.is_floating_point() and len(values[:, 0].unique()) > 0.5 * len(values)
    return len(set(samples.hashes)) > 0.3 * max(1, len(samples.hashes))


def duplicate_samples(evidence: Evidence) -> Finding | None:
    """Note where the same sample comes several times within an epoch."""
    samples = evidence.data.train
    if samples is None or len(samples.hashes) < FEWEST or not _large_domain(samples) or evidence.experiments.causal:
        return None
    if samples.with_replacement or (evidence.steps_per_epoch is None and samples.total is None):
        return None
    extra = len(samples.hashes) - len(set(samples.hashes))
    share = extra / len(samples.hashes)
    if share <= 0.01 or extra < 3:
        return None
    return finding(
        "data/duplicate-samples",
        "warning" if share > 0.05 else "info",
        "training data",
        f"{extra} of {len(samples.hashes)} training samples of an epoch are copies of others",
        copies=extra,
        share=share,
    )


def conflicting_labels(evidence: Evidence) -> Finding | None:
    """Say where equal inputs carry different labels."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if samples is None or labels is None or len(samples.hashes) != len(labels) or not _large_domain(samples):
        return None
    seen: dict[int, set[int]] = {}
    for key, label in zip(samples.hashes, labels.tolist(), strict=True):
        seen.setdefault(key, set()).add(label)
    mixed = {key for key, found in seen.items() if len(found) > 1}
    rows = [row for row, key in enumerate(samples.hashes) if key in mixed]
    if len(rows) < 2:
        return None
    return finding(
        "data/conflicting-labels",
        "warning" if len(rows) > 0.02 * len(labels) else "info",
        f"rows {rows[:5]}",
        f"{len(rows)} training samples have an equal twin with another label",
        samples=len(rows),
        of=len(labels),
    )


def train_val_leakage(evidence: Evidence) -> Finding | None:
    """Say where validation samples are training samples too."""
    shared, valid = evidence.data.overlap, evidence.data.valid or evidence.data.train
    if shared is None or shared < 0.02 or valid is None or not _large_domain(evidence.data.train):
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
        "info" if repeats and shared < 0.1 else "critical" if shared > 0.1 else "warning",
        "validation data",
        f"{shared:.0%} of the validation samples are in the training data: the score is not that of unseen data",
        share=shared,
    )


def label_leaking_feature(evidence: Evidence) -> Finding | None:
    """Say where one column alone gives the label away, and the others do not."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, FEWEST):
        return None
    if samples.inputs.ndim != 2 or not 3 <= samples.inputs.shape[1] <= 200 or len(labels.unique()) < 2:
        return None
    x_ND, y = samples.inputs[:1000].float(), labels[:1000]
    right = [_alone(x_ND[:, column], y) for column in range(x_ND.shape[1])]
    best = max(range(len(right)), key=lambda column: right[column])
    majority = float(torch.bincount(y).max() / len(y))
    if right[best] < 0.99 or majority > 0.9:
        return None
    others = [column for column in range(x_ND.shape[1]) if right[column] < 0.98]
    if len(others) < max(2, 0.6 * x_ND.shape[1]):
        return None
    rest = guess_classes(x_ND[:, others], y)
    without = max(_right(rest.neighbours_NC, y), _right(rest.ridge_NC, y))
    if without > 0.93:
        return None
    names = evidence.data.feature_names
    name = names[best] if best < len(names) else str(best)
    return finding(
        "data/label-leaking-feature",
        "critical",
        f"feature {name}",
        f"feature {name} alone predicts {right[best]:.1%} of the labels; all others together {without:.1%}",
        feature=best,
        alone=right[best],
        without=without,
    )


def _alone(column: Tensor, labels: Tensor) -> float:
    """Return how often both neighbours on one axis have a sample's label: the power of that feature alone."""
    order = torch.argsort(column + 1e-9 * torch.arange(len(column)))
    sorted_labels = labels[order]
    return float((sorted_labels[1:] == sorted_labels[:-1]).float().mean()) + len(labels.unique()) / len(labels)


def _right(shares_NC: Tensor, labels: Tensor) -> float:
    return float((shares_NC.argmax(1) == labels[: len(shares_NC)]).float().mean())


def labels_shuffled(evidence: Evidence) -> Finding | None:
    """Say where neither neighbours nor a linear fit nor the network's own validation find any tie to the labels."""
    samples = evidence.data.train
    found = skill(last_evaluation(evidence, "valid"))
    if samples is None or not is_numeric(samples, FEWEST) or (found is not None and found > 0.15):
        return None
    if evidence.losses and found is None and (learned_well(evidence) or not failed(evidence)):
        return None
    labels, numbers = class_targets(evidence, samples), numeric_targets(evidence, samples)
    if labels is not None and int(labels.min()) >= 0 and len(labels.unique()) > 1:
        signal, bound, what = _class_signal(samples.inputs, labels)
    elif numbers is not None and float(numbers.std()) > 0:
        signal, bound, what = _number_signal(samples.inputs, numbers)
    else:
        return None
    if signal > bound:
        return None
    memorised = (skill(last_evaluation(evidence, "train")) or 0.0) > 0.3
    return finding(
        "data/labels-shuffled",
        "critical" if memorised or (found is not None and found < 0.05) else "warning",
        "labels",
        f"the labels carry no information on the inputs: {what} is {signal:.3g}, where chance alone reaches "
        f"{bound:.3g}",
        signal=signal,
        chance_bound=bound,
        validation_skill=found,
    )


def _class_signal(inputs: Tensor, labels: Tensor) -> tuple[float, float, str]:
    guess = guess_classes(inputs, labels)
    labels = labels[: len(guess.ridge_NC)]
    shares = torch.bincount(labels).float() / len(labels)
    chance = float(shares.pow(2).sum())
    agree = float(guess.neighbours_NC.gather(1, labels[:, None]).mean())
    error = math.sqrt(chance * (1 - chance) / len(labels))
    majority = float(shares.max())
    linear = _balanced(guess.ridge_NC - shares, labels)
    z_agree = (agree - chance) / (error * math.sqrt(1.5))
    z_linear = (linear - 1 / len(shares)) / math.sqrt(majority / len(labels) * len(shares) / 4 + 1e-9)
    return max(z_agree, z_linear), 3.0, "the largest z-score of agreement with neighbours and of a linear fit"


def _balanced(scores_NC: Tensor, labels: Tensor) -> float:
    """Return the mean recall of the classes that are there."""
    predicted = scores_NC.argmax(1)
    recalls = [(predicted[labels == k] == k).float().mean() for k in labels.unique()]
    return float(torch.stack(recalls).mean())


def _number_signal(inputs: Tensor, numbers: Tensor) -> tuple[float, float, str]:
    x_ND = standardised_features(inputs)
    y = numbers[: len(x_ND)]
    y = (y - y.mean()) / y.std()
    near = y[nearest(x_ND, 5)].mean(1)
    linear = ridge_loo(x_ND, y[:, None])[:, 0]
    correlations = [float(torch.corrcoef(torch.stack([y, guess]))[0, 1].nan_to_num()) for guess in (near, linear)]
    return max(correlations), 3.5 / math.sqrt(len(y)), "the largest leave-one-out correlation"


def label_noise(evidence: Evidence) -> Finding | None:
    """Say where labels look wrong: both probes, confident and right elsewhere, agree on another class."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, 100) or int(labels.min()) < 0:
        return None
    if len(labels.unique()) < 2 or len(labels.unique()) > 0.1 * len(labels):
        return None
    guess = guess_classes(samples.inputs, labels)
    y = labels[: len(guess.ridge_NC)]
    near, linear = guess.neighbours_NC, guess.ridge_NC
    agreed = near.argmax(1) == linear.argmax(1)
    other = near.argmax(1)
    sure = near.max(1).values >= 0.8
    wrong = agreed & sure & (other != y) & (near.gather(1, y[:, None])[:, 0] <= 0.2)
    confident = agreed & sure
    sure_ones = int(confident.sum())
    share = float(wrong.sum() / max(1, sure_ones))
    bound = share - 2 * math.sqrt(share * (1 - share) / max(1, sure_ones))
    # Mistakes of labelling fall on all classes alike; classes that look alike are confused among themselves alone.
    by_class = torch.stack([wrong[y == k].float().mean() for k in y.unique()])
    alike = float(by_class.median() / by_class.mean().clamp(min=1e-9))
    if bound < NOISE or sure_ones < 0.3 * len(y) or alike < 0.3:
        return None
    return finding(
        "data/label-noise",
        "warning",
        f"rows {wrong.nonzero().flatten()[:5].tolist()}",
        f"about {share:.0%} of the labels look wrong: neighbours and a linear fit both point to another class",
        share=share,
        samples=int(wrong.sum()),
        rows=wrong.nonzero().flatten()[:20].tolist(),
    )


def not_shuffled(evidence: Evidence) -> Finding | None:
    """Say where batches are ordered by target, by a permutation test of how much their means differ."""
    samples = evidence.data.train
    if (
        samples is None
        or samples.targets is None
        or len(samples.batch_sizes) < 4
        or not samples.inputs.is_floating_point()
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
    """Say where neighbouring batches are equal, as workers that draw the same random numbers make them."""
    count = evidence.data.repeated_batches
    if count < 2:
        return None
    return finding(
        "data/worker-seeds-repeated",
        "warning",
        "loader workers",
        f"{count} batches are equal to the one before: loader workers draw the same random numbers",
        batches=count,
    )


RULES = (
    invalid_labels,
    class_imbalance,
    duplicate_samples,
    conflicting_labels,
    train_val_leakage,
    label_leaking_feature,
    labels_shuffled,
    label_noise,
    not_shuffled,
    worker_seeds_repeated,
)
