"""Evaluations: what went through the network between training steps, scored from its outputs and targets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from convergent.doctor.chunks import Chunk, make_chunk
from convergent.doctor.hashes import row_hashes
from convergent.doctor.readings import Readings, to_host
from convergent.doctor.record import Evaluation, LossKind, SampleSet

TRAIN_SHARE = 0.95
NOTHING, MUCH = 0.02, 0.3
MOST_BYTES = 4 * 2**20
MOST_WAITING = 4096


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
    has_loss, has_metric = all(c.has_loss and c.comparable for c in group), all(c.has_metric for c in group)
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
    mine = _without_training_sets(mine, train_hashes)
    hashes = [value for c in mine for value in c.hashes]
    return sum(value in train_hashes for value in hashes) / len(hashes)


def unseen_at_first_alone(chunks: Sequence[Chunk], train_hashes: set[int]) -> bool:
    """Return whether unseen samples are evaluated at first, and later, set after set, only ones that were trained on.

    So do the folds of a cross-validation whose model is not made anew: from the second on all has been learned from.
    """
    told = [c for c in chunks if c.hashes and train_hashes]
    shares = [sum(value in train_hashes for value in c.hashes) / len(c.hashes) for c in told]
    unseen = [chunk.step for chunk, share in zip(told, shares, strict=True) if share < NOTHING]
    if not unseen or min(unseen) != told[0].step:
        return False
    later = [(c, share) for c, share in zip(told, shares, strict=True) if c.step > max(unseen)]
    if any(share < TRAIN_SHARE for _, share in later):
        return False
    sets = [(c.step, set(c.hashes)) for c, _ in later]
    return any(a[0] != b[0] and not a[1] & b[1] for a, b in itertools.pairwise(sets))


def comes_again(chunks: Sequence[Chunk], train_hashes: set[int]) -> bool:
    """Return whether the first samples that are evaluated, and are not trained on, are evaluated at the end too."""
    told = [c for c in chunks if c.hashes]
    first = next((c for c in told if not is_training_data(c, train_hashes)), None)
    if first is None:
        return False
    last = {value for c in told if c.step == told[-1].step for value in c.hashes}
    return set(first.hashes) <= last


def _without_training_sets(chunks: list[Chunk], train_hashes: set[int]) -> list[Chunk]:
    """Return the chunks without those of training samples that are known in part, for training sees them changed.

    A leak lies in all of a split; where some chunks have nothing in common with the training data and others share
    much of it, the latter are training samples that are scored without their random changes.
    """
    shares = [sum(value in train_hashes for value in c.hashes) / len(c.hashes) for c in chunks]
    apart = [chunk for chunk, share in zip(chunks, shares, strict=True) if share < NOTHING]
    part = [chunk for chunk, share in zip(chunks, shares, strict=True) if share > MUCH]
    return apart if len(apart) + len(part) == len(chunks) and apart else chunks


class EvaluationLog:
    """What one model was evaluated on: inputs as they go through it, until their outputs meet targets."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.inputs: list[Tensor] = []
        self._earlier: list[Tensor] = []
        self.training_mode = False
        """Whether dropout or batch norm was in training mode when the last outputs were made."""
        self.scored: list[bool] = []
        """The same, of every time that classes were compared with a number of Python's."""
        self.crossed = ""
        """Shapes of outputs and targets that were compared as a column and a row."""
        self.truncated = ""
        """The last function on the way to probabilities that were cut to whole numbers."""
        self.dropped = False
        """Units were dropped although the model was in evaluation mode."""
        self._seen: set[tuple[int, int, int]] = set()
        self._bytes_left = MOST_BYTES
        self._readings = Readings()
        self._unread: list[Chunk] = []
        self._hashes: list[tuple[list[int], Tensor]] = []

    def add_inputs(self, inputs: Tensor) -> None:
        """Note what went through the model."""
        self.inputs.append(inputs)
        del self.inputs[:-MOST_WAITING]

    def note_scored(self) -> None:
        """Note that outputs were scored in a way that tells no targets."""
        self.scored.append(self.training_mode)

    def forget(self) -> None:
        """Let inputs go that no outputs were compared for: a training step ends an evaluation."""
        self.inputs.clear()
        self._earlier.clear()

    def compare(
        self,
        step: int,
        kind: LossKind,
        output: Tensor,
        target: Tensor,
        by_decision: bool,
        ignore_index: int = -100,
        comparable: bool = True,
    ) -> None:
        """Note that outputs were compared with targets, once for each target: by loss rather than by decision."""
        place = target.data_ptr()
        last = self.chunks[-1] if self.chunks else None
        if last is not None and last.step == step and self._same(last, target):
            if by_decision or last.has_loss:
                return
            self.chunks.pop()
            self._unread = [chunk for chunk in self._unread if chunk is not last]
        chunk = make_chunk(step, output, target, kind, self.training_mode, by_decision, ignore_index)
        chunk.target_id, chunk.target_place, chunk.comparable = id(target), place, comparable
        inputs = self._inputs_of(len(target))
        if inputs is not None:
            self._keep(chunk, inputs, target)
        elif last is not None and last.step == step and not self.inputs and last.samples == chunk.samples:
            self._hand_on(last, chunk, target)
        self.chunks.append(chunk)
        self._unread.append(chunk)
        if self._readings.is_due():
            self.read()

    def _hand_on(self, last: Chunk, chunk: Chunk, target: Tensor) -> None:
        """Give what a comparison kept to the one that takes its place."""
        chunk.hashes, chunk.inputs = last.hashes, last.inputs
        if last.inputs is not None:
            chunk.targets = target.detach().clone()
        if last.hashes:
            self._seen.discard(_signature(last))  # or the one in its place would be taken for a repetition

    def read(self) -> None:
        """Bring what waits on the device to the host together."""
        tensors = [one for chunk in self._unread for one in _on_device(chunk)] + [one for _, one in self._hashes]
        found = iter(to_host(tensors))
        for chunk in self._unread:
            chunk.sums = torch.tensor(next(found))
            chunk.targets_sums = torch.tensor(next(found), dtype=torch.float64)
            in_range = next(found) == [1.0]
            if chunk.predicted_counts is not None:
                counts = _known_counts(next(found), next(found), chunk.has_loss)
                chunk.predicted_counts, chunk.true_counts = counts if in_range else (None, None)
        for hashes, _ in self._hashes:
            hashes.extend(map(int, next(found)))
        for chunk in self._unread:
            if chunk.inputs is not None:
                self._drop_repeated(chunk, chunk.inputs)
        self._unread, self._hashes = [], []

    def _same(self, last: Chunk, target: Tensor) -> bool:
        """Return whether a target is that of the last comparison, met again by a metric or a loss."""
        sliced = not self.inputs and last.target_place == target.data_ptr() and last.samples == len(target)
        return last.target_id == id(target) or sliced

    def _inputs_of(self, samples: int) -> list[Tensor] | None:
        parts = self.inputs
        if parts and len(parts[-1]) == samples:
            self._earlier, parts = parts[:-1], parts[-1:]
        elif not parts and self._earlier and len(self._earlier[-1]) == samples != self.chunks[-1].samples:
            return [self._earlier.pop()]  # outputs of two splits were made before either was scored
        elif not parts or sum(len(part) for part in parts) != samples:
            return None
        self.inputs = []
        return parts

    def _keep(self, chunk: Chunk, parts: list[Tensor], target: Tensor) -> None:
        hashes = torch.cat([row_hashes(part) for part in parts])
        if not len(hashes):
            return
        self._hashes.append((chunk.hashes, hashes))
        size = sum(part.numel() * part.element_size() for part in parts)
        if size <= self._bytes_left and all(part.shape[1:] == parts[0].shape[1:] for part in parts):
            self._bytes_left -= size
            chunk.inputs = torch.cat([part.detach() for part in parts])
            chunk.targets = target.detach().clone()

    def _drop_repeated(self, chunk: Chunk, inputs: Tensor) -> None:
        """Let samples go that an earlier evaluation has kept, as their hashes tell."""
        signature = _signature(chunk)
        if signature in self._seen:
            chunk.inputs = chunk.targets = None
            self._bytes_left += inputs.numel() * inputs.element_size()
        self._seen.add(signature)


def _signature(chunk: Chunk) -> tuple[int, int, int]:
    return len(chunk.hashes), chunk.hashes[0], chunk.hashes[-1]


def _on_device(chunk: Chunk) -> list[Tensor]:
    """Return what is read of a chunk."""
    counts = [one for one in (chunk.predicted_counts, chunk.true_counts) if one is not None]
    return [chunk.sums, chunk.targets_sums, chunk.in_range, *counts]


def _known_counts(
    predicted: list[float], true: list[float], has_loss: bool
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Return the counts of the classes that there are: of decisions alone it is not known how many there could be."""
    if not has_loss:
        width = max((index + 1 for index, pair in enumerate(zip(predicted, true, strict=True)) if any(pair)), default=0)
        predicted, true = predicted[:width], true[:width]
    return (torch.tensor(predicted), torch.tensor(true)) if true else (None, None)
