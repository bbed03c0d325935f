"""Remedies on the loss: the one that suits target and output, its reduction, its shapes, the weight of classes."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.task import Loss
from convergent.treat.patient import Patient
from convergent.treat.remedies.network import bare_output
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.wrappers import MeanLoss, ShapedLoss
from convergent.treat.yardstick import class_ids, unequal


class OneHotLoss:
    """Cross-entropy of logits (B, C) and one-hot rows (B, C)."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        return F.cross_entropy(outputs, class_ids(targets))


class BinaryLoss:
    """Binary cross-entropy of logits and zeros and ones, in the shape of the logits."""

    def __init__(self, pos_weight: Tensor | None = None) -> None:
        self.pos_weight = pos_weight

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        weight = self.pos_weight.to(outputs.device) if self.pos_weight is not None else None
        shaped = targets.reshape(outputs.shape).to(outputs.dtype)
        return F.binary_cross_entropy_with_logits(outputs, shaped, pos_weight=weight)


def fitting_loss(case: Case) -> tuple[Loss, str] | None:
    """Return the loss that suits the target, and its name: cross-entropy for classes, BCE for two, MSE for numbers."""
    (inputs, targets), seen = case.sample, case.seen
    with torch.no_grad():
        device = case.patient.recipe.device
        outputs = case.patient.model.to(device)(*(part[:2].to(device) for part in inputs))
    if not isinstance(outputs, Tensor) or not seen.layers:
        return None
    if outputs.ndim == 2 and outputs.shape[1] > 1 and not targets.is_floating_point() and targets.ndim == 1:
        return nn.CrossEntropyLoss(), "nn.CrossEntropyLoss()"
    zeros_and_ones = bool(((targets == 0) | (targets == 1)).all())
    if outputs.ndim == 2 and outputs.shape[1] > 1 and targets.shape == (len(targets), outputs.shape[1]):
        if zeros_and_ones and bool((targets.sum(1) == 1).all()):
            return OneHotLoss(), "nn.CrossEntropyLoss() on class numbers"
        return (BinaryLoss(), "nn.BCEWithLogitsLoss()") if zeros_and_ones else None
    if outputs.numel() == len(outputs) and targets.numel() == len(targets) and zeros_and_ones:
        return BinaryLoss(), "nn.BCEWithLogitsLoss()"
    if targets.is_floating_point() and outputs.numel() / len(outputs) == targets.numel() / len(targets):
        return ShapedLoss(nn.MSELoss()), "nn.MSELoss()"
    return None


def right_loss(case: Case) -> Patient | None:
    """Take the loss that suits the target, on the network's bare output."""
    if case.patient.tasks is not None:
        return None
    fitting = fitting_loss(case)
    if fitting is None:
        return None
    loss, name = fitting
    bare = bare_output(case) or case.patient
    if bare is case.patient and _is_plain(case.patient.recipe.loss, loss):
        return None
    return bare.with_loss(loss).noted("loss", f"loss {name} on the bare output", (f"loss = {name}",))


def _is_plain(given: Any, fitting: Loss) -> bool:
    """Return whether the loss is the fitting one already, with no option of its own."""
    if type(given) is not type(getattr(fitting, "loss", fitting)):
        return False
    weight, smoothing = getattr(given, "weight", None), getattr(given, "label_smoothing", 0.0)
    return weight is None and smoothing == 0 and getattr(given, "reduction", "mean") == "mean"


def mean_loss(case: Case) -> Patient | None:
    """Take the mean over the batch where the loss sums, and give the target the output's shape."""
    loss = case.patient.recipe.loss
    if case.patient.tasks is not None:
        return None
    if getattr(loss, "reduction", "") == "sum":
        changed: Any = copy.copy(loss)
        changed.reduction = "mean"
    else:
        outputs, targets = _few_outputs(case)
        sums = outputs is not None and _doubles(loss, outputs, targets)
        changed = MeanLoss(loss) if sums else ShapedLoss(loss)
    line = "loss = criterion(output, target.reshape(output.shape)), with reduction='mean'"
    return case.patient.with_loss(changed).noted("loss-mean", "mean over the batch, equal shapes", (line,))


def _few_outputs(case: Case) -> tuple[Tensor | None, Tensor]:
    inputs, targets = case.sample
    device = case.patient.recipe.device
    with torch.no_grad():
        outputs = case.patient.model.to(device)(*(part[:8].to(device) for part in inputs))
    return (outputs if isinstance(outputs, Tensor) else None), targets[:8].to(device)


def _doubles(loss: Loss, outputs: Tensor, targets: Tensor) -> bool:
    """Return whether the loss of every sample twice is twice the loss."""
    with torch.no_grad():
        once = float(loss(outputs, targets))
        twice = float(loss(torch.cat([outputs, outputs]), torch.cat([targets, targets])))
    return abs(twice / once - 2) < 0.2 if once else False


def class_weighted(case: Case) -> Patient | None:
    """Weigh classes by their inverse frequency in the training targets."""
    patient, targets = case.patient, case.sample[1]
    if not unequal(targets):
        return None
    if patient.tasks is not None:
        if patient.config.class_weights == "balanced":
            return None
        return patient.with_options(class_weights="balanced").noted(
            "class-weights", "classes weighed by inverse frequency", (), class_weights="balanced"
        )
    labels = class_ids(targets).reshape(-1)
    counts = torch.bincount(labels.clamp(min=0)).float()
    loss: Any = patient.recipe.loss
    name = getattr(loss, "__name__", type(loss).__name__)
    if isinstance(loss, nn.BCEWithLogitsLoss | BinaryLoss) or "binary_cross_entropy_with_logits" in name:
        weight = counts[0] / counts[1].clamp(min=1) if len(counts) == 2 else torch.tensor(1.0)
        line = f"nn.BCEWithLogitsLoss(pos_weight=torch.tensor({float(weight):.3g}))"
        treated = patient.with_loss(BinaryLoss(weight))
    elif isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        weights = counts.sum() / (len(counts) * counts.clamp(min=1))
        weighted: Any = copy.deepcopy(loss)
        weighted.weight = weights.to(patient.recipe.device)
        line = "nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts))"
        treated = patient.with_loss(weighted)
    else:
        return None
    return treated.noted("class-weights", "classes weighed by inverse frequency", (line,), class_weights="balanced")


def smoothed(case: Case) -> Patient | None:
    """Spread a tenth of each target over all classes."""
    loss: Any = case.patient.recipe.loss
    if case.patient.tasks is not None:
        if case.patient.config.label_smoothing or case.patient.config.loss != "cross_entropy":
            return None
        return case.patient.with_options(label_smoothing=0.1).noted(
            "label-smoothing", "label smoothing 0.1", (), label_smoothing=0.1
        )
    if not isinstance(loss, nn.CrossEntropyLoss) or loss.label_smoothing:
        return None
    smooth = copy.deepcopy(loss)
    smooth.label_smoothing = 0.1
    line = "nn.CrossEntropyLoss(label_smoothing=0.1)"
    return case.patient.with_loss(smooth).noted("label-smoothing", "label smoothing 0.1", (line,))


RIGHT_LOSS = Remedy("loss", right_loss)
MEAN_LOSS = Remedy("loss-mean", mean_loss)
CLASS_WEIGHTED = Remedy("class-weights", class_weighted)
SMOOTHED = Remedy("label-smoothing", smoothed)
