"""Do the labels belong to the inputs: valid, balanced, unmixed, and unknown to the validation data?

Confident learning: Northcutt et al. 2021, https://arxiv.org/abs/1911.00068.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from convergent.doctor.features import (
    are_mixed,
    are_tokens,
    bag_of_tokens,
    class_targets,
    each_once,
    guess_classes,
    guess_numbers,
    is_numeric,
    recalls,
    target_columns,
)
from convergent.doctor.findings import finding
from convergent.doctor.functions import SIGNED
from convergent.doctor.record import Evidence, LossCall, SampleSet
from convergent.doctor.rules.copies import not_one_to_one
from convergent.doctor.statistics import failed, last_evaluation, learned_well, skill
from convergent.types import Finding

FEWEST = 40
FEWEST_WRONG = 8
FEWEST_TEXTS = 300
NOISE = 0.04
"""Of the quarter of the samples that the probes are surest of, less twice the standard error."""
STAYS = 0.5
"""Of the share among the least sure: overlapping Gaussians, noisy logits and letters stay below 0.27."""
ABLE = 0.55
"""What the neighbours must tell of right labels, between chance and all: of photographs they tell a third."""
OF_ONE = 0.01
"""Half precision and smoothing by hand leave shares that sum to 1 within it."""


def _ignores_a_class(samples: SampleSet, ignored: int, classes: int) -> bool:
    """Return whether one of the classes of a sequence's places is ignored though its inputs are no padding.

    Of tokens many are left out on purpose, as in masked language models; what is measured there is something.
    """
    x, y_NT = samples.inputs, samples.targets
    if y_NT is None or y_NT.ndim != 2 or not x.is_floating_point() or not 0 <= ignored < classes:
        return False
    time = next((place for place in (1, x.ndim - 1) if x.ndim == 3 and x.shape[place] == y_NT.shape[1]), None)
    away_NT = y_NT == ignored
    if time is None or len(x) != len(y_NT) or not 0.1 < float(away_NT.float().mean()) < 0.9:
        return False
    x_NTD = (x if time == 1 else x.transpose(1, 2)).float()
    left, kept = x_NTD[away_NT].std(0), x_NTD[~away_NT].std(0)
    return bool((left > 0.1 * kept).all())


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
        elif not bad.any() and _ignores_a_class(samples, call.ignore_index, classes):
            return finding(
                "data/invalid-labels",
                "warning",
                "labels",
                f"class {call.ignore_index} is ignored by the loss (ignore_index), but inputs at its places vary like "
                "those of other classes: it is never learned",
                ignore_index=call.ignore_index,
            )
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
    elif call.name in SIGNED:
        bad = y.float().abs() != 1
        says = f"{call.name} takes 1 and -1, these run from {float(y.min()):.3g} to {float(y.max()):.3g}"
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
    if labels is None or call is None or len(labels) < FEWEST or int(labels.min()) < 0:
        return None
    counts = torch.bincount(labels).float()
    weighed = _weighed(counts, call)
    if weighed is None or int((counts > 0).sum()) < 2:
        return None
    counts, weighed = counts[counts > 0], weighed[counts > 0]
    shares = weighed / weighed.sum()
    evenness = float(-(shares * shares.log()).sum() / math.log(len(counts)))
    ratio = float(counts.max() / counts.min())
    heavier = float(weighed.max() / weighed.min().clamp(min=1e-9))
    if heavier <= 10 and evenness >= 0.5:
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
        f"{int(counts.min())}) and the loss "
        + (f"weighs them so that it counts {heavier:.3g} times as much" if call.weighted else "does not weigh them"),
        ratio=ratio,
        weighed_ratio=heavier,
        evenness=evenness,
        counts=[int(count) for count in counts[:20]],
    )


def _weighed(counts: Tensor, call: LossCall) -> Tensor | None:
    """Return how much each class counts in the loss; None where its weights are not known, or do what they should."""
    if not call.weighted or (len(call.class_weights) >= len(counts) and len(set(call.class_weights)) == 1):
        return counts
    if len(call.class_weights) < len(counts):
        return None
    weighed = counts * torch.tensor(call.class_weights[: len(counts)])
    held = counts > 0
    worse = weighed[held].max() / weighed[held].min().clamp(min=1e-9) > counts[held].max() / counts[held].min()
    return weighed if worse else None  # weights that do not quite make up for it are a choice


def _dense_classes(evidence: Evidence) -> Tensor | None:
    """Return the classes of all pixels, flat; None where targets are no classes of a picture."""
    call, train = evidence.data.loss, evidence.data.train
    if call is None or train is None or train.targets is None or not is_numeric(train) or train.targets.ndim < 3:
        return None
    y = train.targets.flatten()
    if call.kind in ("bce", "bce_with_logits"):
        return y.long() if bool(((y == 0) | (y == 1)).all()) else None
    if call.kind not in ("cross_entropy", "nll") or not call.target_is_index:
        return None
    return y[y != call.ignore_index].long()


def labels_shuffled(evidence: Evidence) -> Finding | None:
    """Say where neither neighbours nor a linear fit nor the network's own validation find any tie to the labels."""
    samples = evidence.data.train
    found = skill(last_evaluation(evidence, "valid"))
    texts = are_tokens(samples, FEWEST_TEXTS) and _learns_by_heart(evidence)
    if samples is not None and texts:
        samples = bag_of_tokens(samples)
    if samples is None or not is_numeric(samples, FEWEST) or (found is not None and found > 0.15):
        return None
    if not_one_to_one(evidence):
        return None
    if evidence.losses and found is None and (learned_well(evidence) or not failed(evidence)):
        return None
    once = each_once(samples)
    labels, numbers_NK = class_targets(evidence, once), target_columns(evidence, once)
    if labels is not None and int(labels.min()) >= 0 and len(labels.unique()) > 1:
        signal, bound, what = _class_signal(once.inputs, labels)
    elif numbers_NK is not None and bool((numbers_NK.std(0) > 0).all()):
        signal, bound, what = _number_signal(once.inputs, numbers_NK)
    else:
        return None
    if signal > bound:
        return None
    memorised = (skill(last_evaluation(evidence, "train")) or 0.0) > 0.3
    return finding(
        "data/labels-shuffled",
        # Of a text the order may be all that matters, which these probes do not see.
        "critical" if not texts and (memorised or (found is not None and found < 0.05)) else "warning",
        "labels",
        f"the labels carry no information on the {'tokens of the texts' if texts else 'inputs'}: {what} is "
        f"{signal:.3g}, where chance alone reaches {bound:.3g}",
        signal=signal,
        chance_bound=bound,
        validation_skill=found,
    )


def _learns_by_heart(evidence: Evidence) -> bool:
    """Return whether the network tells training samples apart, and nothing beyond them: of texts tokens are not all."""
    tried, found = evidence.experiments, skill(last_evaluation(evidence, "valid"))
    if tried.real_loss is None or not tried.permuted_loss or found is None:
        return False
    return tried.real_loss < min(tried.permuted_loss) - 0.01 * abs(tried.real_loss)


def _class_signal(inputs: Tensor, labels: Tensor) -> tuple[float, float, str]:
    guess = guess_classes(inputs, labels)
    labels = labels[: len(guess.ridge_NC)]
    shares = torch.bincount(labels).float() / len(labels)
    chance = float(shares.pow(2).sum())
    agree = float(guess.neighbours_NC.gather(1, labels[:, None]).mean())
    error = math.sqrt(chance * (1 - chance) / len(labels))
    majority = float(shares.max())
    linear = float(recalls(guess.ridge_NC - shares, labels)[0].mean())
    z_agree = (agree - chance) / (error * math.sqrt(1.5))
    z_linear = (linear - 1 / len(shares)) / math.sqrt(majority / len(labels) * len(shares) / 4 + 1e-9)
    return max(z_agree, z_linear), 3.0, "the largest z-score of agreement with neighbours and of a linear fit"


def _number_signal(inputs: Tensor, numbers_NK: Tensor) -> tuple[float, float, str]:
    y_NK, guess = guess_numbers(inputs, numbers_NK)
    pairs = [(y_NK[:, column], guess_NK[:, column]) for guess_NK in guess for column in range(y_NK.shape[1])]
    correlations = [float(torch.corrcoef(torch.stack(pair))[0, 1].nan_to_num()) for pair in pairs]
    return max(correlations), 3.5 / math.sqrt(len(y_NK)), "the largest leave-one-out correlation"


class Doubt(NamedTuple):
    """How often labels contradict both probes among the samples that these are sure of."""

    wrong_N: Tensor
    skill: float
    """How far neighbours tell the labels, from chance to all, were it not for the share that looks wrong."""
    sure: int
    share: float
    share_of_surest: float
    share_of_least: float


def _doubt(samples: SampleSet, labels: Tensor) -> Doubt:
    """Return which labels look wrong, and how often they do where the linear fit's margin is widest and narrowest."""
    near_NC, linear_NC = guess_classes(samples.inputs, labels)
    y_N, other_N = labels[: len(linear_NC)], near_NC.argmax(1)
    sure_N = (other_N == linear_NC.argmax(1)) & (near_NC.max(1).values >= 0.8)
    wrong_N = sure_N & (other_N != y_N) & (near_NC.gather(1, y_N[:, None])[:, 0] <= 0.2)
    best_N2 = linear_NC.topk(2, 1).values
    order = (best_N2[:, 0] - best_N2[:, 1])[sure_N].argsort(descending=True)
    among = wrong_N[sure_N][order].float()
    if not len(among):
        return Doubt(wrong_N, 0.0, 0, 0.0, 0.0, 0.0)
    end = max(1, len(among) // 4)
    share, chance = float(among.mean()), float(torch.bincount(y_N).max() / len(y_N))
    right = float((other_N == y_N).float().mean()) / max(1e-6, 1 - share)
    skill = (right - chance) / max(1e-6, 1 - chance)
    return Doubt(wrong_N, skill, len(among), share, float(among[:end].mean()), float(among[-end:].mean()))


def label_noise(evidence: Evidence) -> Finding | None:
    """Say where labels look wrong: both probes, confident and right elsewhere, agree on another class."""
    samples = evidence.data.train
    labels = class_targets(evidence, samples)
    if labels is None or samples is None or not is_numeric(samples, 100) or int(labels.min()) < 0:
        return None
    if not_one_to_one(evidence) or are_mixed(samples.targets):
        return None
    if len(labels.unique()) < 2 or len(labels.unique()) > 0.1 * len(labels):
        return None
    doubt = _doubt(samples, labels)
    surest = max(1, doubt.sure // 4)
    share = doubt.share_of_surest
    low = share - 2 * math.sqrt(share * (1 - share) / surest)
    # Where classes overlap, the surer the probes are the more seldom they are contradicted; mistakes stay as frequent.
    stays = share >= STAYS * doubt.share_of_least
    if (
        low < NOISE
        or not stays
        or doubt.skill < ABLE
        or doubt.sure < 0.1 * len(doubt.wrong_N)
        or int(doubt.wrong_N.sum()) < FEWEST_WRONG
    ):
        return None
    return finding(
        "data/label-noise",
        "warning",
        f"rows {doubt.wrong_N.nonzero().flatten()[:5].tolist()}",
        f"about {doubt.share:.0%} of the labels look wrong: neighbours and a linear fit both point to another class, "
        f"and do so for {share:.0%} of the samples that they are surest of",
        share=doubt.share,
        share_of_surest=share,
        share_of_least_sure=doubt.share_of_least,
        samples=int(doubt.wrong_N.sum()),
        rows=doubt.wrong_N.nonzero().flatten()[:20].tolist(),
    )


RULES = (
    invalid_labels,
    class_imbalance,
    labels_shuffled,
    label_noise,
)
