"""Are the numbers that go in fit to learn from: finite, of one scale, enough?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from convergent.doctor.features import (
    ROWS_AT_ONCE,
    class_targets,
    feature_name,
    is_numeric,
    numeric_targets,
    shares_units,
)
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.statistics import failed, last_evaluation, learned_well, median, skill
from convergent.types import Finding, Severity

LARGE = 10.0
UNEQUAL = 100.0
EXTREME = 30.0
FEWEST = 100
CODE_OFF = 100.0
MOST_COLUMNS = 1000
FAR_OUT = 1000.0
"""Times the 98th percentile, which no tail of incomes or prices reaches: a log-normal's largest is a few dozen off."""
DETAILED, SAME_IN_BATCH, VALUES = 8, 0.8, 20
"""Numbers of a sample, different samples of a batch, and different numbers: of a game's states there are few."""
MANY_CONSTANT, MOST_OF_TABLE = 0.25, 64
"""Of all features, and of how many there may be: something was lost on the way."""
MANY_TOKENS, ONE_TOKEN = 50, 0.8
"""Rows of a table of embeddings, and the share of the tokens that are one: of words the most frequent has 0.07."""
MOST_PADDING, AT_ENDS = 3, 0.99
"""Kinds of tokens that may be padding, and in which share of their texts they then stand at an end."""
MANY_TIMES = 8
"""That one sample is drawn, or more are evaluated than were trained on."""


def non_finite_values(evidence: Evidence) -> Finding | None:
    """Say which samples hold NaN or infinite values."""
    return _in_samples(evidence) or _into_the_loss(evidence)


def _into_the_loss(evidence: Evidence) -> Finding | None:
    """Say where numbers that a loss of one's own got with the output are not finite."""
    bad, of = evidence.data.broken_targets
    if not bad or all(map(math.isfinite, evidence.losses)):
        return None  # a mask may be infinite on purpose
    return finding(
        "data/non-finite-values",
        "critical",
        "training targets",
        f"{bad} of the {of} samples of the last batches bring NaN or infinite numbers into the loss",
        samples=bad,
        of=of,
    )


def _in_samples(evidence: Evidence) -> Finding | None:
    for split, samples in (("training", evidence.data.train), ("validation", evidence.data.valid)):
        if samples is None:
            continue
        for name, values in (("inputs", samples.inputs), ("targets", samples.targets)):
            if values is None or not len(values) or not values.is_floating_point():
                continue
            parts = values.reshape(len(values), -1).split(ROWS_AT_ONCE)
            bad_N = ~torch.cat([torch.isfinite(part.float()).all(1) for part in parts])
            if bad_N.any():
                rows = bad_N.nonzero().flatten()[:5].tolist()
                return finding(
                    "data/non-finite-values",
                    "critical",
                    f"{split} {name}",
                    f"{int(bad_N.sum())} of {len(values)} {split} samples hold NaN or infinite {name}",
                    samples=int(bad_N.sum()),
                    of=len(values),
                    rows=rows,
                )
    return None


def grade(evidence: Evidence, extreme: bool) -> Severity:
    """Return how loud numbers of another scale are to be told."""
    if failed(evidence):
        return "critical" if extreme else "warning"
    return "info" if learned_well(evidence) else "warning"


def inputs_not_normalized(evidence: Evidence) -> Finding | None:
    """Say where inputs are far from zero mean and unit scale, or columns of very unequal scale."""
    samples = evidence.data.train
    if samples is None or not is_numeric(samples, 8) or _normalises_itself(evidence):
        return None
    x = torch.nan_to_num(samples.inputs.float(), posinf=0.0, neginf=0.0)
    broken = _broken_samples(evidence, x.reshape(len(x), -1)) or _codes_among_numbers(evidence, x)
    if broken is not None:
        return broken
    if shares_units(samples.inputs) or x.ndim < 2:
        level, spread = float(x.mean().abs()), float(x.std())
        if max(level, spread) <= LARGE:
            return None
        return finding(
            "data/inputs-not-normalized",
            grade(evidence, max(level, spread) > EXTREME),
            "inputs",
            f"the inputs have mean {level:.3g} and standard deviation {spread:.3g} where networks expect about 0 and 1",
            mean=level,
            std=spread,
        )
    return _columns(evidence, x.reshape(len(x), -1))


def _broken_samples(evidence: Evidence, x_ND: Tensor) -> Finding | None:
    """Say where a few samples lie a thousand times as far out as nearly all others."""
    far_N = (x_ND - x_ND.median(0).values).abs_().amax(1)
    usual = float(far_N.quantile(0.98)) if len(x_ND) >= FEWEST else 0.0
    broken_N = far_N > FAR_OUT * usual
    if not usual > 0 or not broken_N.any():
        return None
    rows = broken_N.nonzero().flatten().tolist()
    return finding(
        "data/inputs-not-normalized",
        "info" if learned_well(evidence) else "critical",
        f"rows {rows[:5]}",
        f"{len(rows)} of {len(x_ND)} samples hold values up to {float(far_N.max() / usual):.3g} times as far out as "
        "those of nearly all others",
        samples=len(rows),
        rows=rows[:20],
        times=float(far_N.max() / usual),
    )


def _codes_among_numbers(evidence: Evidence, x: Tensor) -> Finding | None:
    """Say in which columns one value lies a hundred spreads off from all others, again and again: -999 for missing."""
    if x.ndim != 2 or len(x) < FEWEST or x.shape[1] > MOST_COLUMNS:
        return None
    found: dict[int, tuple[float, int, float]] = {}
    for column, values in enumerate(x.T):
        for code in (float(values.min()), float(values.max())):
            rest, count = values[values != code], int((values == code).sum())
            if not 2 <= count <= 0.3 * len(values) or len(rest.unique()) < 10:
                continue
            gap = float((rest - code).abs().min())
            if gap > CODE_OFF * float(rest.std()):
                found[column] = (code, count, gap / float(rest.std().clamp(min=1e-12)))
    if not found:
        return None
    column = max(found, key=lambda key: found[key][2])
    code, count, times = found[column]
    return finding(
        "data/inputs-not-normalized",
        "info" if learned_well(evidence) else "critical" if failed(evidence) else "warning",
        f"feature {feature_name(evidence, column)}",
        f"{count} of {len(x)} samples have {code:.4g} in feature {feature_name(evidence, column)}, {times:.3g} "
        "standard deviations off from all others: a code for missing values taken for a number squeezes the rest "
        "together",
        columns=list(found),
        value=code,
        samples=count,
        times=times,
    )


def _columns(evidence: Evidence, x_ND: Tensor) -> Finding | None:
    spread, level = x_ND.std(0, unbiased=False), x_ND.mean(0).abs()
    varied = torch.tensor([len(column.unique()) > 2 for column in x_ND.T]) & (spread > 0)
    if not varied.any():
        return None
    stds = spread[varied]
    ratio, largest = float(stds.max() / stds.min()), float(stds.max())
    offset = float((level[varied] / stds).max())
    top = float(torch.maximum(level[varied], stds).max())
    drowned = ratio > 10 * UNEQUAL and failed(evidence)
    if not ((ratio > UNEQUAL and top > 3) or top > LARGE or (offset > 30 and top > 3) or drowned):
        return None
    worst = int(torch.where(varied, torch.maximum(level, spread), torch.zeros_like(spread)).argmax())
    unequal = f"standard deviations of the columns differ by a factor of {ratio:.3g}; " if ratio > UNEQUAL else ""
    return finding(
        "data/inputs-not-normalized",
        grade(evidence, largest > EXTREME or ratio > 1000 or top > 3 * EXTREME),
        f"feature {feature_name(evidence, worst)}",
        f"{unequal}feature {feature_name(evidence, worst)} has mean {float(x_ND[:, worst].mean()):.3g} and standard "
        f"deviation {float(spread[worst]):.3g}, where networks expect about 0 and 1",
        ratio=ratio,
        largest_std=largest,
        largest_mean=float(level[varied].max()),
    )


def _normalises_itself(evidence: Evidence) -> bool:
    """Return whether the network's first layer is a norm or an embedding."""
    first = evidence.layers[0].kind if evidence.layers else ""
    return "Norm" in first or first.startswith("Embedding")


def constant_feature(evidence: Evidence) -> Finding | None:
    """Note columns that never change."""
    samples = evidence.data.train
    if samples is not None and not samples.inputs.is_floating_point():
        return _one_token(evidence, samples.inputs)
    if samples is None or not is_numeric(samples, 30):
        return None
    features = _feature_dimension(samples.inputs)
    if features is None:
        return None
    x_DN = samples.inputs.movedim(features, 0).flatten(1)
    constant = (x_DN == x_DN[:, :1]).all(1).nonzero().flatten().tolist()
    if not constant:
        return None
    name = "features" if samples.inputs.ndim == 2 else "channels"
    table = samples.inputs.ndim == 2 and len(x_DN) <= MOST_OF_TABLE  # of pixels many are always dark
    many = table and len(constant) >= MANY_CONSTANT * len(x_DN) and not learned_well(evidence)
    return finding(
        "data/constant-feature",
        "warning" if many else "info",
        f"{name} {', '.join(feature_name(evidence, column) for column in constant[:5])}",
        f"{len(constant)} of {len(x_DN)} {name} have the same value in all {len(samples.inputs)} samples seen",
        features=constant[:20],
        count=len(constant),
    )


def _one_token(evidence: Evidence, tokens: Tensor) -> Finding | None:
    """Say where nearly all tokens are one and the same, padding left out: words that the vocabulary does not hold."""
    embedding = next((one for one in evidence.layers if one.kind.startswith("Embedding")), None)
    if embedding is None or embedding.weight_shape[0] < MANY_TOKENS or tokens.ndim > 2 or tokens.numel() < 1000:
        return None
    real = tokens if tokens.ndim == 1 else tokens[_within(tokens)]
    kinds, counts = real.unique(return_counts=True)
    share, place = float(counts.max() / max(1, len(real))), int(counts.argmax())
    if share < ONE_TOKEN or len(kinds) < 2:
        return None
    return finding(
        "data/constant-feature",
        "info" if learned_well(evidence) else "warning",
        f"token {int(kinds[place])}",
        f"{share:.0%} of all tokens are number {int(kinds[place])}, and {len(kinds)} of the "
        f"{embedding.weight_shape[0]} rows of {embedding.name} are ever used: if that is the unknown word, vocabulary "
        "and tokens do not fit",
        share=share,
        used=len(kinds),
        rows=embedding.weight_shape[0],
    )


def _within(tokens_NT: Tensor) -> Tensor:
    """Return where a token is no padding: what stands in one run at an end of the text, in whichever text it occurs.

    >>> _within(torch.tensor([[5, 5, 7, 0, 0], [7, 5, 1, 2, 0]])).int().tolist()
    [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]
    """
    within_NT = torch.ones_like(tokens_NT, dtype=torch.bool)
    kinds, counts = tokens_NT.unique(return_counts=True)
    for token in kinds[counts.argsort(descending=True)[:MOST_PADDING]]:
        at_NT = tokens_NT == token
        runs_N = at_NT[:, 0].int() + (at_NT[:, 1:] & ~at_NT[:, :-1]).sum(1)
        at_end_N = (runs_N == 1) & (at_NT[:, 0] | at_NT[:, -1])
        if float(at_end_N[runs_N > 0].float().mean()) > AT_ENDS:
            within_NT &= ~at_NT
    return within_NT


def _feature_dimension(inputs: Tensor) -> int | None:
    """Return which dimension holds features: columns of a table, channels of pictures and series; None if unknown.

    A series is (samples, channels, time) or (samples, time, channels): there are fewer channels than steps.

    >>> _feature_dimension(torch.zeros(9, 3, 64)), _feature_dimension(torch.zeros(9, 64, 3))
    (1, 2)
    """
    if inputs.ndim == 3:
        first, last = inputs.shape[1:]
        return 1 if 2 * first <= last and first > 1 else 2 if 2 * last <= first and last > 1 else None
    several = inputs.ndim == 2 or (inputs.ndim > 3 and inputs.shape[1] > 1)
    return 1 if several else None


def _few_again_and_again(evidence: Evidence) -> Finding | None:
    """Say where batches are drawn from a handful of samples, and many times as many are known to be evaluated."""
    train, valid = evidence.data.train, evidence.data.valid
    if train is None or not train.hashes or evidence.adversarial:
        return None
    few, drawn = len(set(train.hashes)), len(train.hashes)
    other = len(set(valid.hashes)) if valid is not None else 0
    if drawn < MANY_TIMES * few or drawn < FEWEST or len(train.inputs[:FEWEST].unique()) < VALUES:
        return None
    if other < MANY_TIMES * few and not _twice_in_a_batch(train):
        return None
    return finding(
        "data/too-few-samples",
        "warning",
        "training batches",
        f"the first {drawn} samples that were trained on are {few} different ones, again and again"
        + (f", where {other} are evaluated" if other else ", several times in one batch")
        + ": the sampler or the index does not reach the others",
        different=few,
        drawn=drawn,
        evaluated=other,
    )


def _twice_in_a_batch(samples: SampleSet) -> bool:
    """Return whether most batches hold the same samples several times, which no shuffled epoch does."""
    if not samples.inputs.is_floating_point() or samples.inputs[0].numel() < DETAILED:
        return False  # few numbers may well be equal
    ends = [sum(samples.batch_sizes[: place + 1]) for place in range(len(samples.batch_sizes))]
    batches = [samples.hashes[end - size : end] for end, size in zip(ends, samples.batch_sizes, strict=True)]
    kinds = [len(set(batch)) / len(batch) for batch in batches if batch]
    return median(kinds) < SAME_IN_BATCH


def too_few_samples(evidence: Evidence) -> Finding | None:
    """Say where a class has fewer than ten samples, or a large model very few, and generalisation shows it."""
    again = _few_again_and_again(evidence)
    if again is not None:
        return again
    train = evidence.data.train
    if train is None or (evidence.steps_per_epoch is None and not train.complete):
        return None
    total = train.total or len(train.inputs)
    labels = class_targets(evidence, train)
    counts = torch.bincount(labels) if labels is not None and int(labels.min()) >= 0 else torch.tensor([total])
    least = float(total / max(1, len(counts))) if labels is None else float(counts[counts > 0].float().median())
    one, other = last_evaluation(evidence, "valid"), last_evaluation(evidence, "train")
    mine = skill(one)
    best = skill(other) if other is not None else 1.0
    gap = best - mine if best is not None and mine is not None else None
    few = least < 10 or (evidence.num_parameters > 100 * total and total < 500)
    if not few or gap is None or gap < 0.08 or (numeric_targets(evidence, train) is not None and total > 100):
        return None
    return finding(
        "data/too-few-samples",
        "warning",
        "training data",
        f"{total} training samples ({least:.0f} in a typical class) for {evidence.num_parameters:,} parameters",
        samples=total,
        per_class=least,
        parameters=evidence.num_parameters,
        gap=gap,
    )


RULES = (
    non_finite_values,
    inputs_not_normalized,
    constant_feature,
    too_few_samples,
)
