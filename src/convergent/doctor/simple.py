"""How far the simplest models come on the samples that were seen: what they find, a network should find too.

Nearest neighbours (Cover and Hart 1967) and ridge regression (Hoerl and Kennard 1970), each sample left out in turn.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from convergent.doctor.features import (
    class_targets,
    each_once,
    guess_classes,
    guess_numbers,
    is_numeric,
    target_columns,
)
from convergent.doctor.record import Evidence

FEWEST = 200
FAR_BELOW = 0.75


class Simple(NamedTuple):
    """The better of the two on a scale where the baseline is 0 and perfect is 1, and about three standard errors."""

    skill: float
    error: float

    def is_far_above(self, skill: float) -> bool:
        """Return whether a skill lies far below, by more than chance and by a good part."""
        return skill < FAR_BELOW * (self.skill - self.error)


def simple_skill(evidence: Evidence) -> Simple | None:
    """Return what the simplest models reach on the training samples; None where these are few, or no numbers."""
    if evidence.data.train is None or evidence.data.train.targets is None:
        return None
    samples = each_once(evidence.data.train)
    if not is_numeric(samples, FEWEST):
        return None
    labels, numbers_NK = class_targets(evidence, samples), target_columns(evidence, samples)
    if labels is not None and len(labels) == len(samples.inputs) and int(labels.min()) >= 0:
        guess = guess_classes(samples.inputs, labels)
        labels = labels[: len(guess.ridge_NC)]
        rights = [float((scores.argmax(1) == labels).float().mean()) for scores in guess]
        right, majority = max(rights), float(torch.bincount(labels).max() / len(labels))
        if majority >= 1:
            return None
        error = 3 * math.sqrt(right * (1 - right) / len(labels))
        return Simple((right - majority) / (1 - majority), error / (1 - majority))
    if numbers_NK is None or not bool((numbers_NK.std(0) > 0).all()):
        return None
    y_NK, both = guess_numbers(samples.inputs, numbers_NK)
    return Simple(max(1 - float((guess_NK - y_NK).pow(2).mean()) for guess_NK in both), 3 / math.sqrt(len(y_NK)))
