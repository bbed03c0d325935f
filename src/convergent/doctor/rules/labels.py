"""Do the labels belong to the inputs: valid, balanced, unmixed, and unknown to the validation data?

Confident learning: Northcutt et al. 2021, https://arxiv.org/abs/1911.00068.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from convergent.doctor.features import (
    are_mixed,
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
FEWEST_CLASSES, FEWEST_WRONG = 8, 20
SPREAD_NOISE = 0.04
NOISE = 0.08
"""Of the samples that both probes are sure of; honest data of classes that overlap stays below 0.07."""
OF_ONE = 0.01
"""Half precision and smoothing by hand leave shares that sum to 1 within it."""


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
        elif call.by_hand and bad.any():
            says += ", and a negative index picks a class from the end"
    elif call.kind == "cross_entropy" and y.is_floating_point() and y.ndim == 2:
        sums_N = y.sum(1)
        bad = (sums_N - 1).abs() > OF_ONE
        says = (
            "cross-entropy takes the shares of the classes, which sum to 1; these sum to "
            f"{float(sums_N.min()):.3g} to {float(sums_N.max()):.3g}"
        )
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
        f"{int(bad.sum())} of {bad.numel()} labels are invalid: {says}",
        invalid=int(bad.sum()),
        of=bad.numel(),
        lowest=float(y.min()),
        highest=float(y.max()),
    )


def class_imbalance(evidence: Evidence) -> Finding | None:
    """Say where classes are very unequal and the loss does not weigh them."""
    labels, call = class_targets(evidence, evidence.data.train), evidence.data.loss
    dense = labels is None
    if dense:
        labels = _dense_classes(evidence)
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
    hurts = not dense or failed(evidence)
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


def _dense_classes(evidence: Evidence) -> Tensor | None:
    """Return the classes of all pixels, flat; None where targets are no classes of a picture."""
    call, train = evidence.data.loss, evidence.data.train
    if call is None or train is None or train.targets is None or not call.target_is_index or not is_numeric(train):
        return None
    if call.kind not in ("cross_entropy", "nll") or train.targets.ndim < 3:
        return None
    y = train.targets.flatten().long()
    return y[y != call.ignore_index]


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
    if evidence.experiments.several_inputs:
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
    unseen = _nothing_unseen(evidence)
    if unseen is not None:
        return unseen
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


def _nothing_unseen(evidence: Evidence) -> Finding | None:
    """Note where all that is evaluated is part of the training data: no fault of a training score, but no other."""
    train, scored = evidence.data.train, [one for one in evidence.evaluations if one.metric is not None]
    if train is None or len(scored) < 2 or evidence.data.overlap is not None or not _large_domain(train):
        return None
    total = train.total or len(train.inputs)
    if any(one.split != "train" or one.samples > 0.5 * total for one in scored):
        return None
    return finding(
        "data/train-val-leakage",
        "info",
        "evaluated data",
        f"all {scored[-1].samples} samples that are evaluated are training samples: nothing was scored on unseen data",
        samples=scored[-1].samples,
    )


def label_leaking_feature(evidence: Evidence) -> Finding | None:
    """Say where one column alone gives the label away, and the others do not."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, FEWEST) or int(labels.min()) < 0:
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
    if evidence.experiments.several_inputs:
        return None  # whether two pictures show the same need not follow from one of them
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


def _spread(other: Tensor, labels: Tensor, wrong: Tensor, classes: int) -> bool:
    """Return whether wrong labels fall on all other classes alike, rather than on the one that looks like theirs.

    By how often two samples that belong to one class carry the same wrong label: 1 / (C - 1) by chance, and 2.3 to 13
    times that where classes of honest data are taken for each other.
    """
    width = int(torch.maximum(labels.max(), other.max())) + 1
    counts_CC = torch.zeros(width, width)
    counts_CC.index_put_((other[wrong], labels[wrong]), torch.ones(int(wrong.sum())), accumulate=True)
    pairs = float((counts_CC.sum(1) * (counts_CC.sum(1) - 1)).sum())
    alike = float((counts_CC * (counts_CC - 1)).sum())
    return pairs > 0 and alike / pairs * (classes - 1) < 2


def label_noise(evidence: Evidence) -> Finding | None:
    """Say where labels look wrong: both probes, confident and right elsewhere, agree on another class."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, 100) or int(labels.min()) < 0:
        return None
    if evidence.experiments.several_inputs or are_mixed(samples.targets):
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
    classes = len(y.unique())  # of few classes, those that look alike are already half of the others
    if classes < FEWEST_CLASSES:
        told = bound >= NOISE and sure_ones >= 0.3 * len(y) and alike >= 0.3
    else:
        told = bound >= SPREAD_NOISE and int(wrong.sum()) >= FEWEST_WRONG and _spread(other, y, wrong, classes)
    if not told:
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


RULES = (
    invalid_labels,
    class_imbalance,
    duplicate_samples,
    conflicting_labels,
    train_val_leakage,
    label_leaking_feature,
    labels_shuffled,
    label_noise,
)
