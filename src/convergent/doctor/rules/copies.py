"""Does the same sample come several times, and do its copies carry the same answer?"""

from __future__ import annotations

import math
from collections import Counter

from torch import Tensor

from convergent.doctor.features import class_targets, numeric_targets
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.statistics import failed, learned_well
from convergent.types import Finding

FEWEST = 40
DETAILS = 16
MOST_COLUMNS = 64
ONE_INPUT = 0.5
"""Of the samples: of pictures and tables even blank ones are fewer."""


def large_domain(samples: SampleSet | None) -> bool:
    """Return whether equal inputs would be a surprise: not so for a handful of bits or short texts."""
    if samples is None or not len(samples.inputs):
        return False
    values = samples.inputs.reshape(len(samples.inputs), -1)
    if 4 <= values.shape[1] <= MOST_COLUMNS and len(values) >= FEWEST:
        kinds = math.prod(min(len(column.unique()), len(values)) for column in values.T)
        if kinds < 4 * len(values):
            return False  # so few combinations there are
    if values.shape[1] < 4:
        return values.is_floating_point() and len(values[:, 0].unique()) > 0.5 * len(values)
    return len(set(samples.hashes)) > 0.3 * max(1, len(samples.hashes))


def duplicate_samples(evidence: Evidence) -> Finding | None:
    """Note where the same sample comes several times within an epoch."""
    samples = evidence.data.train
    if samples is not None and samples.times > 1 and large_domain(samples) and not evidence.experiments.causal:
        return finding(
            "data/duplicate-samples",
            "warning",
            "training data",
            f"every training sample comes {samples.times:.3g} times between two evaluations: an epoch holds "
            f"{1 - 1 / samples.times:.0%} copies",
            times=samples.times,
            share=1 - 1 / samples.times,
        )
    if samples is None or len(samples.hashes) < FEWEST or not large_domain(samples) or evidence.experiments.causal:
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
    labels, numbers = class_targets(evidence, samples), numeric_targets(evidence, samples)
    answers = labels if labels is not None else numbers
    if samples is None or answers is None or len(samples.hashes) != len(answers) or not_one_to_one(evidence):
        return None
    surprising = large_domain(samples) if labels is not None else _detailed(samples)
    if not surprising and not _detailed(samples) and not (labels is not None and _many_kinds(samples, labels)):
        return None
    seen: dict[int, set[float]] = {}
    for key, answer in zip(samples.hashes, answers.tolist(), strict=True):
        seen.setdefault(key, set()).add(answer)
    mixed = {key for key, found in seen.items() if len(found) > 1}
    rows = [row for row, key in enumerate(samples.hashes) if key in mixed]
    if len(rows) < 2:
        return None
    loud = len(rows) > 0.02 * len(answers) and (surprising or _detailed(samples))
    return finding(
        "data/conflicting-labels",
        "warning" if loud else "info",
        f"rows {rows[:5]}",
        f"{len(rows)} of {len(answers)} training samples have an equal twin with another "
        + ("label" if labels is not None else "target"),
        samples=len(rows),
        of=len(answers),
    )


def not_one_to_one(evidence: Evidence) -> bool:
    """Return whether a target need not follow from one input: two pictures show the same, or two samples are mixed."""
    return evidence.experiments.several_inputs or evidence.data.several_targets


def _detailed(samples: SampleSet) -> bool:
    """Return whether a sample holds many different numbers, so that two are never equal by chance."""
    if not samples.inputs.is_floating_point() or samples.inputs[0].numel() < DETAILS:
        return False
    some = samples.inputs[:16].reshape(min(16, len(samples.inputs)), -1)
    return min(len(row.unique()) for row in some) >= DETAILS


def _many_kinds(samples: SampleSet, labels: Tensor) -> bool:
    """Return whether there are far more different inputs than classes: several to a class is what is expected."""
    return len(set(samples.hashes)) > 20 * len(labels.unique())


def one_input(evidence: Evidence) -> Finding | None:
    """Say where most samples of many numbers are one and the same: nothing is left of what they held."""
    samples = evidence.data.train
    if samples is None or len(samples.hashes) != len(samples.inputs) or len(samples.inputs) < FEWEST:
        return None
    tokens = not samples.inputs.is_floating_point() and any("Embedding" in one.kind for one in evidence.layers)
    if tokens or samples.inputs[0].numel() < DETAILS or learned_well(evidence):
        return None
    key, count = Counter(samples.hashes).most_common(1)[0]
    share = count / len(samples.hashes)
    if share < ONE_INPUT or samples.targets is None or len(samples.targets.unique()) < 2:
        return None
    row = samples.hashes.index(key)
    least, largest = float(samples.inputs[row].min()), float(samples.inputs[row].max())
    span = f"every number {least:.3g}" if least == largest else f"{least:.3g} to {largest:.3g}"
    return finding(
        "data/constant-feature",
        "critical" if failed(evidence) else "warning",
        f"row {row}",
        f"{count} of {len(samples.hashes)} training samples are one and the same input ({span}): what told them "
        "apart was lost on the way, in a cast to whole numbers, a division or a mask",
        share=share,
        samples=count,
        min=least,
        max=largest,
    )


RULES = (duplicate_samples, conflicting_labels, one_input)
