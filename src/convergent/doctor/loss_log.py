"""What the loss of one model was: its call, what it got, and by what it was multiplied before the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convergent.doctor.by_hand import divisor, settled
from convergent.doctor.measure import Pending
from convergent.doctor.record import DataEvidence, Evidence, Experiments, LossKind
from convergent.doctor.steps import crossed, loss_call

Pair = tuple[LossKind, str, Tensor, Tensor, dict[str, Any]]
"""(kind, name of the function, output, target, options) of a loss that was computed."""


class LossLog:
    """Notes the first loss that is trained on into the evidence, and the value of every one."""

    def __init__(self) -> None:
        self.output_transform = ""
        self.gives_output = True
        self.scale = self.hand_scale = 1.0
        self.values, self.parts = 1, False
        self.tried = Experiments()
        self._losses: list[float] = []

    def commit(self, evidence: Evidence, pairs: Sequence[Pair], loss: Tensor | float | None, pending: Pending) -> None:
        """Keep the call of the first loss, what it got, and how `loss` came of it, which is learned from."""
        kind, name, output, target, options = pairs[0]
        data = evidence.data
        data.loss = loss_call(kind, name, output, target, options)
        own = self.gives_output = bool(options.get("own_output", True))
        if options.get("transform") or options.get("traced"):
            self.output_transform = str(options["transform"])  # of the part of the output that this loss gets
        data.several_targets = any(one[2] is output and one[3] is not target for one in pairs[1:])
        note_other_targets(data, pairs[1:], pending)
        if kind in ("cross_entropy", "nll") and output.ndim >= 2:
            data.num_classes = output.shape[1]
        if own:
            self._note_output(output, pending, classes=-1 if name == "ctc_loss" else 1)
        self._note_scale(options.get("value"), loss, pending, by_hand=bool(options.get("by_hand")))

    def _note_scale(self, value: Any, loss: Tensor | float | None, pending: Pending, *, by_hand: bool) -> None:
        """Note by what the loss was multiplied before the backward pass: accumulation divides, a scaler multiplies."""
        if not isinstance(value, Tensor) or not isinstance(loss, Tensor):
            return
        self.parts = bool(value.ndim)
        self.values, name = value.numel(), "hand_scale" if by_hand else "scale"
        pending.add(loss.mean() / value.detach().mean(), lambda number: setattr(self, name, number))

    def _note_output(self, output: Tensor, pending: Pending, classes: int = 1) -> None:
        """Note the range of what the loss got, and whether it looks like probabilities or log-probabilities."""
        if not output.is_floating_point() or not output.numel():
            return
        out, tried = output.detach().float(), self.tried
        pending.add(out.min(), lambda value: setattr(tried, "output_min", value))
        pending.add(out.max(), lambda value: setattr(tried, "output_max", value))
        if out.ndim >= 2 and out.shape[classes] > 1:
            far = (out.sum(classes) - 1).abs().max()
            pending.add(far, lambda value: setattr(tried, "output_sums_to_one", value < 1e-4))
            pending.add(out.logsumexp(classes).mean(), lambda value: setattr(tried, "output_log_sum", value))

    def add(self, loss: Tensor | float | None, pending: Pending) -> None:
        """Keep the loss of a step; one that nobody has shown or told is not known, and that is no NaN."""
        if isinstance(loss, Tensor):
            pending.add(loss.mean() if loss.ndim else loss, self._losses.append)
        elif loss is not None:
            self._losses.append(loss)

    def finish(self, evidence: Evidence) -> None:
        """Set the losses and how they came to be, once everything has been read back to the host."""
        call = evidence.data.loss
        scale = self.hand_scale if call is not None and call.by_hand else self.scale
        evidence.loss_scale = divisor(call, scale, self.values, in_parts=self.parts)
        evidence.losses = [loss / evidence.loss_scale for loss in self._losses]
        if call is not None:
            evidence.data.loss = settled(call, scale, self.values)
            evidence.data.num_classes = evidence.data.num_classes if evidence.data.loss is not None else None


def note_other_targets(data: DataEvidence, pairs: Sequence[Pair], pending: Pending) -> None:
    """Note level and spread of the numbers that further losses compare outputs with: boxes beside classes, say."""
    for kind, name, output, target, _ in pairs:
        if kind not in ("mse", "l1", "smooth_l1") or not target.is_floating_point() or target.requires_grad:
            continue
        numbers = [target.float().mean(), target.float().std(unbiased=False)]
        pending.add_all(numbers, functools.partial(_take_other, data, name or kind, tuple(output.shape)))


def _take_other(data: DataEvidence, name: str, shape: tuple[int, ...], numbers: list[float]) -> None:
    data.other_targets.append((name, shape, numbers[0], numbers[1]))


def note_crossed(data: DataEvidence, args: Any, result: Any) -> None:
    """Note where outputs and what belongs to them were crossed to a table; outputs with themselves are pairs."""
    pair = [one for one in args[:2] if isinstance(one, Tensor)]
    table = isinstance(result, Tensor) and result.ndim == 2 and len(result) == result.shape[1]
    if table and len(pair) == 2 and pair[0].requires_grad != pair[1].requires_grad:
        data.crossed = data.crossed or crossed(*pair)
