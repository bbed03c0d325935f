"""By what a treated and an untreated training are compared: a proper score of the validation samples, in pairs.

Remedies change losses, so the loss itself can't be the yardstick. Classes are scored by the log-likelihood of the right
one after the best temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599), so that outputs of any scale,
logits or probabilities, can be compared; numbers by log(1 + squared error / variance), the Cauchy loss; whatever else
there may be by the user's loss on parts of the validation data. Where classes are unequal, each weighs the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from convergent.task import Loss

Kind = Literal["classes", "binary", "numbers", "own"]
TEMPERATURES = (0.0, *(2.0**power for power in range(-10, 9)))
"""Inverse temperatures; at zero every class is as likely: no training scores worse than knowing nothing."""
LARGEST = 1e6
PARTS = 32
UNEQUAL = 2.0
STANDARD_ERRORS = 3.0
"""Several remedies are tried at several marks: two would let one of a dozen through by chance alone."""
SMALLEST_GAIN = 0.05
WORST = 1e6


@dataclass(frozen=True)
class Yardstick:
    """Scores a validation sample's output, smaller is better.

    kind      what the targets are
    balanced  each class weighs the same
    loss      the user's, for targets of another kind
    """

    kind: Kind
    balanced: bool
    loss: Loss

    def scores(self, outputs: Tensor, targets: Tensor, temperatures: Sequence[float] = TEMPERATURES) -> Tensor:
        """Return one score for each sample, or for each of up to 32 parts of them; what is not finite scores worst.

        `temperatures` are tried for classes: the best one counts.
        """
        if self.kind == "classes":
            scores = _class_scores(*_flat_classes(outputs, targets), temperatures)
        elif self.kind == "binary":
            scores = _binary_scores(outputs.reshape(-1), targets.reshape(-1))
        elif self.kind == "numbers":
            scores = _number_scores(outputs.reshape(len(outputs), -1), targets.reshape(len(targets), -1))
        else:
            parts = zip(outputs.tensor_split(PARTS), targets.tensor_split(PARTS), strict=True)
            scores = torch.stack([self.loss(o, t).detach().float().cpu() for o, t in parts if len(o)])
        return torch.nan_to_num(scores.double(), nan=WORST, posinf=WORST, neginf=WORST)

    def knows(self, outputs: Tensor, targets: Tensor) -> bool:
        """Return whether outputs score better than the best that knows nothing of the inputs, by more than 5 %."""
        if self.kind == "own":
            return bool(torch.isfinite(self.scores(outputs, targets)).all())
        constant = torch.zeros_like(outputs)
        if self.kind == "numbers":
            constant = constant + targets.float().reshape(len(targets), -1).mean(0).reshape(1, *outputs.shape[1:])
        bound = (1 - SMALLEST_GAIN) * float(self.scores(constant, targets, (1.0,)).mean())
        # The first temperature is the likeliest, and as a rule enough: all of them cost as much as many steps.
        some = ((1.0,), TEMPERATURES) if self.kind == "classes" else (TEMPERATURES,)
        return any(float(self.scores(outputs, targets, few).mean()) < bound for few in some)

    def weights(self, targets: Tensor, count: int) -> Tensor:
        """Return the weight of each score; they sum to one."""
        if not self.balanced or self.kind not in ("classes", "binary"):
            return torch.full((count,), 1 / count, dtype=torch.double)
        labels = class_ids(targets).reshape(-1)
        counts = torch.bincount(labels.clamp(min=0)).double()
        weights = 1 / counts[labels.clamp(min=0)]
        return weights / weights.sum()


def class_ids(targets: Tensor) -> Tensor:
    """Return class numbers from class numbers, one-hot rows or zeros and ones."""
    if targets.is_floating_point() and targets.ndim == 2 and targets.shape[1] > 1:
        return targets.argmax(1)
    return targets.long()


def unequal(targets: Tensor) -> bool:
    """Return whether one class has at least twice the samples of another: else weights could hardly change a thing.

    >>> unequal(torch.tensor([0, 0, 1])), unequal(torch.tensor([0, 0, 0, 1, 1]))
    (True, False)
    """
    counts = torch.bincount(class_ids(targets).reshape(-1).clamp(min=0))
    counts = counts[counts > 0]
    return len(counts) > 1 and bool(counts.max() >= UNEQUAL * counts.min())


def make_yardstick(outputs: Tensor, targets: Tensor, loss: Loss, balanced: bool) -> Yardstick:
    """Return the yardstick that suits these outputs and targets.

    >>> y = torch.tensor([0, 1, 1]); make_yardstick(torch.zeros(3, 2), y, F.cross_entropy, False).kind
    'classes'
    """
    kind = _kind(outputs, targets)
    return Yardstick(kind, balanced and kind in ("classes", "binary"), loss)


def _kind(outputs: Tensor, targets: Tensor) -> Kind:
    if not outputs.is_floating_point() or outputs.ndim == 0:
        return "own"
    if not targets.is_floating_point():
        if outputs.ndim >= 2 and outputs.shape[1] > 1 and _index_shape(outputs) == tuple(targets.shape):
            return "classes"
        if outputs.ndim == 3 and outputs.shape[:2] == targets.shape:
            return "classes"
        binary = outputs.numel() == len(outputs) == targets.numel() and _zeros_and_ones(targets)
        return "binary" if binary else "own"
    if outputs.numel() != targets.numel():
        return "own"
    if outputs.numel() == len(outputs) and _zeros_and_ones(targets):
        return "binary"
    if outputs.ndim == 2 and outputs.shape == targets.shape and outputs.shape[1] > 1 and _one_hot(targets):
        return "classes"
    return "numbers"


def _index_shape(outputs: Tensor) -> tuple[int, ...]:
    return (outputs.shape[0], *outputs.shape[2:])


def _zeros_and_ones(targets: Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _one_hot(targets: Tensor) -> bool:
    return _zeros_and_ones(targets) and bool((targets.sum(1) == 1).all())


def _flat_classes(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs (N, C) and class numbers (N,), positions of sequences and images as samples."""
    labels = class_ids(targets) if targets.is_floating_point() else targets
    if outputs.ndim == 3 and outputs.shape[:2] == labels.shape:
        return outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1)
    if outputs.ndim > 2:
        outputs = outputs.movedim(1, -1).reshape(-1, outputs.shape[1])
    return outputs, labels.reshape(-1)


def _class_scores(outputs_NC: Tensor, labels_N: Tensor, temperatures: Sequence[float]) -> Tensor:
    out = _tame(outputs_NC)
    if bool((out >= 0).all()) and bool(((out.sum(1) - 1).abs() < 1e-3).all()):
        out = out.clamp(min=1e-9).log()
    known = (labels_N >= 0) & (labels_N < out.shape[1])
    labels = labels_N.clamp(0, out.shape[1] - 1)
    return _best(lambda t: F.cross_entropy(t * out, labels, reduction="none") * known, temperatures)


def _binary_scores(outputs_N: Tensor, targets_N: Tensor) -> Tensor:
    """Return the scores after the best temperature and the best threshold: where 0 lies is the user's business."""
    out = _tame(outputs_N)
    probabilities = bool(((out >= 0) & (out <= 1)).all())
    logits = torch.logit(out, eps=1e-9) if probabilities else out
    return _best(lambda t: F.binary_cross_entropy_with_logits(t * logits, targets_N.double(), reduction="none"))


def _number_scores(outputs_ND: Tensor, targets_ND: Tensor) -> Tensor:
    """Return log(1 + squared error / variance): a few far-off samples can't hide what happened to all the others."""
    targets = targets_ND.double()
    variance = ((targets - targets.mean(0)) ** 2).mean().clamp(min=1e-12)
    return (((_tame(outputs_ND) - targets) ** 2).mean(1) / variance).log1p()


def _tame(outputs: Tensor) -> Tensor:
    return torch.nan_to_num(outputs.double(), nan=0.0, posinf=LARGEST, neginf=-LARGEST)


def _best(scores: Callable[[float], Tensor], temperatures: Sequence[float] = TEMPERATURES) -> Tensor:
    """Return the scores at the temperature of the smallest mean; not finite where none is."""
    tried = [scores(t) for t in temperatures]
    means = [float(one.mean()) if bool(torch.isfinite(one).all()) else math.inf for one in tried]
    return tried[means.index(min(means))]


@dataclass(frozen=True)
class Verdict:
    """What a comparison says. `gain` is the mean difference, positive where the treated training is better."""

    untreated: float
    treated: float
    gain: float
    error: float
    better: bool


def compare(untreated: Tensor, treated: Tensor, weights: Tensor, errors: float = STANDARD_ERRORS) -> Verdict:
    """Return whether the treated training is better by more than the noise: three standard errors of pairs, and 5 %.

    >>> a = torch.tensor([1.0, 1.2, 0.9, 1.1]); compare(a, a - 0.5, torch.full((4,), 0.25)).better
    True
    >>> compare(a, a.flip(0), torch.full((4,), 0.25)).better
    False
    """
    before, after = float((weights * untreated).sum()), float((weights * treated).sum())
    differences = untreated - treated
    gain = before - after
    error = float(((weights * (differences - gain)) ** 2).sum().sqrt())
    better = gain > errors * error and gain > SMALLEST_GAIN * abs(before)
    return Verdict(before, after, gain, error, better)
