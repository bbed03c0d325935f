"""The loss of the best constant prediction: what a network that knows nothing of its inputs can reach.

Cross-entropy: the entropy of the class prior (of the smoothed targets, where labels are smoothed). Squared error: the
variance. Absolute error: the mean distance from the median.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from convergent.doctor.record import Evidence, LossCall


def entropy(share: Tensor) -> float:
    """Return the entropy in nats of shares that sum to one.

    >>> round(entropy(torch.tensor([0.5, 0.5])), 4)
    0.6931
    """
    return float(-(share * share.clamp(min=1e-12).log()).sum())


def class_shares(targets: Tensor, call: LossCall, num_classes: int) -> Tensor:
    """Return the share of each class, after label smoothing."""
    if call.target_is_index:
        valid = targets.flatten()
        valid = valid[(valid != call.ignore_index) & (valid >= 0) & (valid < num_classes)]
        share = torch.bincount(valid.long(), minlength=num_classes).float()
    else:
        share = targets.float().movedim(1, -1).reshape(-1, targets.shape[1]).sum(0)
    share = share / share.sum().clamp(min=1)
    return share * (1 - call.label_smoothing) + call.label_smoothing / num_classes


def chance_loss(evidence: Evidence) -> float | None:
    """Return the loss of the best constant prediction on the training targets; None where that is not known."""
    return _over_batch(evidence, _mean_loss)


def floor_loss(evidence: Evidence) -> float:
    """Return the loss of the best prediction of all on the training targets: their own entropy, 0 for hard ones."""
    return _over_batch(evidence, _own_entropy) or 0.0


def _over_batch(evidence: Evidence, mean_loss: Callable[[LossCall, Tensor, int | None], float | None]) -> float | None:
    call, data = evidence.data.loss, evidence.data.train
    if call is None or data is None or data.targets is None or call.weighted or not len(data.targets):
        return None
    targets = data.targets
    value = mean_loss(call, targets, evidence.data.num_classes)
    if value is None or call.reduction != "sum":
        return value
    return value * sum(call.target_shape[:1]) * (1 if call.target_is_index else targets[0].numel())


def _own_entropy(call: LossCall, targets: Tensor, num_classes: int | None) -> float:
    if call.kind in ("bce", "bce_with_logits"):
        y = targets.float().clamp(0, 1)
        return float(F.binary_cross_entropy(y, y))
    if call.kind not in ("cross_entropy", "nll") or not num_classes:
        return 0.0
    one = torch.eye(num_classes)[:1] if call.target_is_index else targets.float().movedim(1, -1).flatten(0, -2)
    smooth = one * (1 - call.label_smoothing) + call.label_smoothing / num_classes
    return entropy(smooth) / len(smooth)


def _mean_loss(call: LossCall, targets: Tensor, num_classes: int | None) -> float | None:
    if call.kind in ("cross_entropy", "nll") and num_classes:
        return entropy(class_shares(targets, call, num_classes))
    y_NK = targets.float().reshape(len(targets), -1)
    if call.kind in ("bce", "bce_with_logits"):
        prior = y_NK.clamp(0, 1).mean(0).clamp(1e-6, 1 - 1e-6)
        return float(F.binary_cross_entropy(prior.expand_as(y_NK), y_NK.clamp(0, 1)))
    if call.kind == "mse":
        return float(y_NK.var(0, unbiased=False).mean())
    middle = y_NK.median(0).values.expand_as(y_NK)
    if call.kind == "l1":
        return float(F.l1_loss(middle, y_NK))
    return float(F.smooth_l1_loss(middle, y_NK)) if call.kind == "smooth_l1" else None
