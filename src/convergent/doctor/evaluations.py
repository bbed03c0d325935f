"""Evaluations: what went through the network between training steps, scored from its outputs and targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from convergent.doctor.collect import hash_samples
from convergent.doctor.record import Evaluation, LossKind, SampleSet

MOST_CLASSES = 1000
TRAIN_SHARE = 0.95
MOST_BYTES = 4 * 2**20
MOST_WAITING = 4096
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
    has_loss: bool
    has_metric: bool
    hashes: list[int]
    inputs: Tensor | None = None
    targets: Tensor | None = None
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
        return F.cross_entropy(output, target, reduction="none").flatten()
    if kind == "nll":
        return F.nll_loss(output, target, reduction="none").flatten()
    if kind == "bce":
        return F.binary_cross_entropy(output, target, reduction="none").flatten()
    if kind == "bce_with_logits":
        return F.binary_cross_entropy_with_logits(output, target, reduction="none").flatten()
    if kind in ("mse", "l1", "smooth_l1"):
        return (output - target).float().flatten().pow(2) if kind == "mse" else (output - target).abs().flatten()
    return None


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
    """Return the sums of one comparison; `by_decision`: `output` holds predicted classes."""
    zero = torch.zeros((), device=output.device)
    samples = len(target)
    if kind in ("cross_entropy", "nll") and not target.is_floating_point() and output.ndim == target.ndim + 1:
        counted = target.flatten() != ignore_index  # padding is neither lost nor right
        output = output.movedim(1, -1).reshape(-1, output.shape[1])[counted]
        target = target.flatten()[counted]
    losses = None if by_decision else losses_of_samples(output, target, kind)
    classes = (
        (output.flatten().long(), target.flatten().long(), 0) if by_decision else class_numbers(output, target, kind)
    )
    correct, predicted_counts, true_counts = zero, None, None
    if classes is not None:
        predicted, true, count = classes
        correct = (predicted == true).float().mean() * samples
        if by_decision:
            count = int(max(predicted.max(), true.max())) + 1 if len(true) and int(true.min()) >= 0 else 0
        if 0 < count <= MOST_CLASSES and bool((true >= 0).all()) and bool((predicted >= 0).all()):
            predicted_counts = torch.bincount(predicted, minlength=count).cpu()
            true_counts = torch.bincount(true, minlength=count).cpu()
    numeric = kind in ("mse", "l1", "smooth_l1") and not by_decision and output.numel() == target.numel()
    error = (output.reshape(target.shape) - target).float().pow(2).mean() * samples if numeric else zero
    sums = [zero, zero, correct, error, zero + samples]
    if losses is not None:
        sums[0], sums[1] = losses.float().mean() * samples, losses.float().pow(2).mean() * samples
    return Chunk(
        step,
        samples,
        training_mode,
        torch.stack([value.float() for value in sums]),
        _target_sums(target, samples) if numeric else zero.expand(2),
        predicted_counts,
        true_counts,
        losses is not None,
        classes is not None or numeric,
        [],
    )


def _target_sums(target: Tensor, samples: int) -> Tensor:
    """Return the sums of `Chunk.targets_sums`; what is no table is one column, of the mean of each sample's numbers."""
    # Squares of large numbers (prices, years) leave float32 no digits for their spread.
    y = target.detach() if target.device.type == "mps" else target.detach().double()
    columns = target.shape[1] if target.ndim == 2 and target.shape[1] <= MOST_COLUMNS else 1
    sums_K = y.sum(0) if columns > 1 else y.sum()[None] * (samples / max(1, y.numel()))
    return torch.cat([y.pow(2).sum()[None] * (samples / max(1, y.numel())), sums_K])


def _spread(parts: Sequence[Tensor], count: float) -> float:
    """Return the squared distance of targets from the mean of their column, by the number of columns."""
    if len({len(part) for part in parts}) > 1:
        parts = [torch.stack([part[0], part[1:].mean()]) for part in parts]
    square, *sums = torch.stack(list(parts)).sum(0).tolist()
    return float(square - sum(value**2 for value in sums) / count / len(sums))


def is_training_data(chunk: Chunk, train_hashes: set[int]) -> bool | None:
    """Return whether nearly all of a chunk's samples are training samples; None where that can't be told."""
    if not chunk.hashes or not train_hashes:
        return None
    shared = sum(value in train_hashes for value in chunk.hashes)
    return shared >= TRAIN_SHARE * len(chunk.hashes)


def evaluations_of(chunks: Sequence[Chunk], train_hashes: set[int]) -> list[Evaluation]:
    """Return one `Evaluation` for every run of chunks between the same steps that are of the same split."""
    groups: list[tuple[Literal["train", "valid"], list[Chunk]]] = []
    for chunk in chunks:
        split: Literal["train", "valid"] = "train" if is_training_data(chunk, train_hashes) else "valid"
        if groups and groups[-1][0] == split and groups[-1][1][-1].step == chunk.step:
            groups[-1][1].append(chunk)
        else:
            groups.append((split, [chunk]))
    return [_evaluation(split, group) for split, group in groups]


def _evaluation(split: Literal["train", "valid"], group: list[Chunk]) -> Evaluation:
    loss, square, correct, error, count = torch.stack([chunk.sums for chunk in group]).sum(0).tolist()
    has_loss, has_metric = all(c.has_loss for c in group), all(c.has_metric for c in group)
    counts = [c.predicted_counts for c in group if c.predicted_counts is not None]
    metric = baseline = None
    predicted: list[int] = []
    true: list[int] = []
    if has_metric and len(counts) == len(group):
        width = max(len(c) for c in counts)
        predicted = _summed([c.predicted_counts for c in group if c.predicted_counts is not None], width)
        true = _summed([c.true_counts for c in group if c.true_counts is not None], width)
        metric, baseline = correct / count, max(true) / max(1, sum(true))
    elif has_metric:
        spread = _spread([chunk.targets_sums for chunk in group], count)
        metric, baseline = (1 - error / spread, 0.0) if spread > 0 else (None, None)
    interval = None
    if has_loss and math.isfinite(loss):
        mean, error_of_mean = loss / count, math.sqrt(max(0.0, square / count - (loss / count) ** 2) / count)
        interval = (mean - 1.96 * error_of_mean, mean + 1.96 * error_of_mean)
    return Evaluation(
        group[0].step,
        split,
        int(count),
        loss / count if has_loss else None,
        metric,
        any(c.training_mode for c in group),
        predicted,
        true,
        interval,
        baseline,
    )


def _summed(parts: Sequence[Tensor], width: int) -> list[int]:
    total = torch.zeros(width, dtype=torch.long)
    for part in parts:
        total[: len(part)] += part
    return [int(value) for value in total]


def valid_samples(chunks: Sequence[Chunk], train_hashes: set[int]) -> SampleSet | None:
    """Return the evaluated samples of the first evaluation that are not mostly training samples."""
    mine = [c for c in chunks if c.inputs is not None and not is_training_data(c, train_hashes)]
    if not mine:
        return None
    mine = [c for c in mine if c.inputs is not None and c.inputs.shape[1:] == mine[0].inputs.shape[1:]]  # type: ignore[union-attr]
    inputs = torch.cat([c.inputs for c in mine if c.inputs is not None]).cpu()
    alike = all(
        c.targets is not None and mine[0].targets is not None and c.targets.shape[1:] == mine[0].targets.shape[1:]
        for c in mine
    )
    targets = torch.cat([c.targets for c in mine if c.targets is not None]).cpu() if alike else None
    if targets is not None and len(targets) != len(inputs):
        targets = None
    hashes = [value for c in mine for value in c.hashes]
    return SampleSet(inputs, targets, [len(c.inputs) for c in mine if c.inputs is not None], hashes)


def overlap(chunks: Sequence[Chunk], train_hashes: set[int]) -> float | None:
    """Return the share of validation samples that are training samples too; None where nothing was validated.

    An evaluation of nothing but training samples is a training score, unless no other samples are evaluated and the
    evaluated sets differ: then what is meant as validation lies inside the training set.
    """
    told = [c for c in chunks if is_training_data(c, train_hashes) is not None]
    if not told:
        return None
    mine = [c for c in told if not is_training_data(c, train_hashes)]
    if not mine:
        sets = {frozenset(c.hashes) for c in told if c.step == told[-1].step}
        return 1.0 if len(sets) == 2 and not set.issubset(*map(set, sorted(sets, key=len))) else None
    hashes = [value for c in mine for value in c.hashes]
    return sum(value in train_hashes for value in hashes) / len(hashes)


class EvaluationLog:
    """What one model was evaluated on: inputs as they go through it, until their outputs meet targets."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.inputs: list[Tensor] = []
        self._seen: set[tuple[int, int, int]] = set()
        self._bytes_left = MOST_BYTES

    def add_inputs(self, inputs: Tensor) -> None:
        """Note what went through the model."""
        self.inputs.append(inputs)
        del self.inputs[:-MOST_WAITING]

    def forget(self) -> None:
        """Let inputs go that no outputs were compared for: a training step ends an evaluation."""
        self.inputs.clear()

    def compare(
        self,
        step: int,
        kind: LossKind,
        output: Tensor,
        target: Tensor,
        training_mode: bool,
        by_decision: bool,
        ignore_index: int = -100,
    ) -> None:
        """Note that outputs were compared with targets, once for each target: by loss rather than by decision."""
        place = target.data_ptr()
        last = self.chunks[-1] if self.chunks else None
        if last is not None and last.step == step and self._same(last, target):
            if by_decision or last.has_loss:
                return
            self.chunks.pop()
        chunk = make_chunk(step, output, target, kind, training_mode, by_decision, ignore_index)
        chunk.target_id, chunk.target_place = id(target), place
        inputs = self._inputs_of(len(target))
        if inputs is not None:
            self._keep(chunk, inputs, target)
        elif last is not None and last.step == step and not self.inputs and last.samples == chunk.samples:
            chunk.hashes = last.hashes
        self.chunks.append(chunk)

    def _same(self, last: Chunk, target: Tensor) -> bool:
        """Return whether a target is that of the last comparison, met again by a metric or a loss."""
        sliced = not self.inputs and last.target_place == target.data_ptr() and last.samples == len(target)
        return last.target_id == id(target) or sliced

    def _inputs_of(self, samples: int) -> list[Tensor] | None:
        parts = self.inputs
        if parts and len(parts[-1]) == samples:
            parts = parts[-1:]
        elif not parts or sum(len(part) for part in parts) != samples:
            return None
        self.inputs = []
        return parts

    def _keep(self, chunk: Chunk, parts: list[Tensor], target: Tensor) -> None:
        chunk.hashes = [value for part in parts for value in hash_samples(part)]
        if not chunk.hashes:
            return
        signature = (len(chunk.hashes), chunk.hashes[0], chunk.hashes[-1])
        size = sum(part.numel() * part.element_size() for part in parts)
        if signature in self._seen or size > self._bytes_left:
            return
        self._seen.add(signature)
        self._bytes_left -= size
        if all(part.shape[1:] == parts[0].shape[1:] for part in parts):
            chunk.inputs = torch.cat([part.detach() for part in parts])
            chunk.targets = target.detach().clone()
