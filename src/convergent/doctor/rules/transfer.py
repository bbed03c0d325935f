"""Does what one split's labels say of its inputs hold in the other? A linear fit on each, and from one to the other.

Where each split can be read by itself, but not with what was learned from the other, they are prepared in two ways: a
vocabulary or an order of classes that was made anew for each (Sculley et al. 2015, training and serving skew).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from convergent.doctor.features import (
    MOST_ROWS,
    are_tokens,
    bag_of_tokens,
    class_targets,
    each_once,
    is_numeric,
    recalls,
    ridge,
    ridge_loo,
    standardised_features,
)
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.rules.copies import not_one_to_one
from convergent.doctor.statistics import last_evaluation, skill
from convergent.types import Finding

FEWEST = 200
CERTAIN = 4.0
"""Standard errors."""
LEAST_VARIANCE = 0.05
"""Of one answer: of a few samples that are all told right nothing certain follows."""
FAR_BELOW = 0.3
"""Of what a split tells of itself."""


class Recall(NamedTuple):
    """Mean recall of the classes, above that of chance, and its standard error."""

    above: float
    error: float


def unlike_preparation(evidence: Evidence) -> Finding | None:
    """Say where both splits can be read by a linear fit, but not with the fit of the other."""
    if (skill(last_evaluation(evidence, "valid")) or 0.0) > FAR_BELOW or not_one_to_one(evidence):
        return None
    train, valid = _plain(evidence.data.train), _plain(evidence.data.valid)
    if train is None or valid is None or train.inputs.shape[1:] != valid.inputs.shape[1:]:
        return None
    y_N, y_M = class_targets(evidence, train), class_targets(evidence, valid)
    if y_N is None or y_M is None or min(int(y_N.min()), int(y_M.min())) < 0 or len(y_N.unique()) < 2:
        return None
    if not torch.equal(y_N.unique(), y_M.unique()):
        return None  # of training data in the order of its classes the first are seen
    classes = int(max(y_N.max(), y_M.max())) + 1
    x_SD = standardised_features(torch.cat([train.inputs, valid.inputs]))
    x_ND, x_MD = x_SD[: len(y_N)], x_SD[len(y_N) :]
    one_NC, one_MC = (torch.nn.functional.one_hot(y, classes).float() for y in (y_N, y_M))
    mine, its_own = _recall(ridge_loo(x_ND, one_NC), y_N), _recall(ridge_loo(x_MD, one_MC), y_M)
    across = _recall(ridge(x_ND, one_NC, x_MD), y_M)
    told = min(mine.above - CERTAIN * mine.error, its_own.above - CERTAIN * its_own.error)
    if told <= 0 or across.above > FAR_BELOW * min(mine.above, its_own.above):
        return None
    if across.above + CERTAIN * across.error > its_own.above:
        return None
    return finding(
        "data/preprocessing-mismatch",
        "critical",
        "validation inputs",
        f"a linear fit finds {its_own.above:.0%} more of each class than chance within the validation samples and "
        f"{mine.above:.0%} within the training samples, but {across.above:.0%} from one to the other: they are "
        "prepared in two ways (a vocabulary, a scaling or an order of classes that was made anew)",
        training=mine.above,
        validation=its_own.above,
        across=across.above,
    )


def _plain(samples: SampleSet | None) -> SampleSet | None:
    """Return at most 1,000 samples as numbers, each once; None where there are few."""
    if samples is None or samples.targets is None or len(samples.targets) != len(samples.inputs):
        return None
    if are_tokens(samples, FEWEST):
        samples = bag_of_tokens(samples)
    if not is_numeric(samples, FEWEST):
        return None
    once, most = each_once(samples), MOST_ROWS // 2
    assert once.targets is not None
    return SampleSet(once.inputs[:most], once.targets[:most])


def _recall(scores_NC: Tensor, labels_N: Tensor) -> Recall:
    shares_K, counts_K = recalls(scores_NC, labels_N)
    variance = float(((shares_K * (1 - shares_K)).clamp(min=LEAST_VARIANCE) / counts_K).sum())
    return Recall(float(shares_K.mean()) - 1 / len(shares_K), math.sqrt(variance) / len(shares_K))
