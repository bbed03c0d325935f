"""Outputs compared with targets in one call of an evaluation, as sums and counts that stay on the device."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from convergent.doctor.record import LossKind

MOST_CLASSES = 1000
NO_CLASS = -1
MOST_COLUMNS = 64


@dataclass
class Chunk:
    """Outputs that were compared with targets in one call; sums stay on the device until they are read."""

    step: int
    samples: int
    training_mode: bool
    sums: Tensor
    """(5,) loss, loss squared, correct, squared error, and samples that these are over."""
    targets_sums: Tensor
    """(1 + columns,) of numeric targets: the mean square of a sample's numbers, summed, and the sum of each column."""
    predicted_counts: Tensor | None
    true_counts: Tensor | None
    """(classes,) each; without meaning where `in_range` is 0."""
    in_range: Tensor
    """1 where all classes are among those that are counted."""
    has_loss: bool
    has_metric: bool
    hashes: list[int] = field(default_factory=list)
    """One a sample, once they have been read."""
    inputs: Tensor | None = None
    targets: Tensor | None = None
    comparable: bool = True
    """The loss is of the kind that is trained on."""
    target_id: int = 0
    target_place: int = 0
    """Where its values begin in memory: slices of one tensor are new objects at the same place."""


def class_numbers(output: Tensor, target: Tensor, kind: LossKind) -> tuple[Tensor, Tensor, int] | None:
    """Return (predicted, true, number of classes) as class numbers, flat; None where targets are no classes."""
    if kind in ("cross_entropy", "nll") and output.ndim >= 2:
        true = target.argmax(1) if target.is_floating_point() and target.shape == output.shape else target
        return output.argmax(1).flatten(), true.flatten().long(), output.shape[1]
    if kind in ("bce", "bce_with_logits") and output.numel() == target.numel():
        edge = 0.5 if kind == "bce" else 0.0
        return (output > edge).flatten().long(), (target > 0.5).flatten().long(), 2
    return None


def losses_of_samples(output: Tensor, target: Tensor, kind: LossKind) -> Tensor | None:
    """Return the loss of every sample or element, flat; None for kinds that are not known."""
    if kind == "cross_entropy":
        return F.cross_entropy(output, target, reduction="none", ignore_index=NO_CLASS).flatten()
    if kind == "nll":
        return F.nll_loss(output, target, reduction="none", ignore_index=NO_CLASS).flatten()
    if kind == "bce":
        return F.binary_cross_entropy(output, target, reduction="none").flatten()
    if kind == "bce_with_logits":
        return F.binary_cross_entropy_with_logits(output, target, reduction="none").flatten()
    if kind in ("mse", "l1", "smooth_l1"):
        return (output - target).float().flatten().pow(2) if kind == "mse" else (output - target).abs().flatten()
    return None


def _flat(output: Tensor, target: Tensor, kind: LossKind, ignore_index: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return output and target with one row a position, and which count: padding is neither lost nor right."""
    if kind not in ("cross_entropy", "nll") or target.is_floating_point() or output.ndim != target.ndim + 1:
        return output, target, None
    rows, classes = output.movedim(1, -1).reshape(-1, output.shape[1]), target.flatten()
    counts = classes != ignore_index
    known = counts & (classes >= 0) & (classes < output.shape[1])
    return rows, torch.where(known, classes, NO_CLASS), counts


def _mean(values: Tensor, counts: Tensor | None) -> Tensor:
    """Return the mean of the values that count."""
    if counts is None:
        return values.float().mean()
    return torch.where(counts, values.float(), 0).sum() / counts.sum()


def _class_counts(classes: Tensor, width: int, counts: Tensor | None) -> Tensor:
    """Return how often each class occurs, (width,); classes beyond are left out."""
    places = torch.where((classes >= 0) & (classes < width), classes, width)
    if counts is not None:
        places = torch.where(counts, places, width)
    found = torch.zeros(width + 1, dtype=torch.long, device=classes.device)
    return found.index_add_(0, places, torch.ones_like(places))[:width]


@torch.no_grad()
def make_chunk(
    step: int,
    output: Tensor,
    target: Tensor,
    kind: LossKind,
    training_mode: bool,
    by_decision: bool = False,
    ignore_index: int = -100,
) -> Chunk:
    """Return the sums of one comparison, nothing read back; `by_decision`: `output` holds predicted classes."""
    zero = torch.zeros((), device=output.device)
    samples = len(target)
    output, target, counts = _flat(output, target, kind, ignore_index)
    losses = None if by_decision else losses_of_samples(output, target, kind)
    classes = class_numbers(output, target, kind)
    if by_decision:
        classes = output.flatten().long(), target.flatten().long(), MOST_CLASSES
    correct, predicted_counts, true_counts, in_range = zero, None, None, zero
    if classes is not None:
        predicted, true, width = classes
        correct = _mean(predicted == true, counts) * samples
        if 0 < width <= MOST_CLASSES:
            predicted_counts, true_counts = (_class_counts(one, width, counts) for one in (predicted, true))
            total = counts.sum() if counts is not None else true.numel()
            in_range = ((predicted_counts.sum() == total) & (true_counts.sum() == total)).float()
    numeric = kind in ("mse", "l1", "smooth_l1") and not by_decision and output.numel() == target.numel()
    error = (output.reshape(target.shape) - target).float().pow(2).mean() * samples if numeric else zero
    sums = [zero, zero, correct, error, zero + samples]
    if losses is not None:
        sums[0], sums[1] = _mean(losses, counts) * samples, _mean(losses.float().pow(2), counts) * samples
    return Chunk(
        step,
        samples,
        training_mode,
        torch.stack([value.float() for value in sums]),
        _target_sums(target, samples) if numeric else zero.expand(2),
        predicted_counts,
        true_counts,
        in_range,
        losses is not None,
        classes is not None or numeric,
    )


def _target_sums(target: Tensor, samples: int) -> Tensor:
    """Return the sums of `Chunk.targets_sums`; what is no table is one column, of the mean of each sample's numbers."""
    # Squares of large numbers (prices, years) leave float32 no digits for their spread.
    y = target.detach() if target.device.type == "mps" else target.detach().double()
    columns = target.shape[1] if target.ndim == 2 and target.shape[1] <= MOST_COLUMNS else 1
    sums_K = y.sum(0) if columns > 1 else y.sum()[None] * (samples / max(1, y.numel()))
    return torch.cat([y.pow(2).sum()[None] * (samples / max(1, y.numel())), sums_K])
