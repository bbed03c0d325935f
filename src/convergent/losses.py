"""Losses by their standard names, and which of them suits which target and output.

Cross-entropy and binary cross-entropy take logits: a softmax or sigmoid before them would be applied twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from convergent.config import Config
from convergent.types import UserError

CLASSIFICATION = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
REGRESSION = {"mse": "linear", "mae": "linear", "huber": "linear"}


def check_pairing(config: Config, *, classes: bool) -> None:
    """Raise UserError where loss, output and target do not go together, with the reason.

    >>> from convergent.config import make_config
    >>> check_pairing(make_config(loss="mse", output="linear"), classes=False)
    """
    fitting = CLASSIFICATION if classes else REGRESSION
    target = "classes" if classes else "a number"
    if config.loss not in fitting:
        why = "it measures a distance between numbers" if classes else "it needs classes"
        raise UserError(f"--loss {config.loss} does not fit a target of {target}: {why}. Use {' or '.join(fitting)}.")
    if config.output != fitting[config.loss]:
        raise UserError(
            f"--output {config.output} does not fit --loss {config.loss}: that loss is the likelihood of a "
            f"{fitting[config.loss]} output. Leave --output away or give {fitting[config.loss]}."
        )
    if not classes and (config.label_smoothing or config.class_weights != "none"):
        raise UserError("--label-smoothing and --class-weights are for classes; the target here is a number.")


def balanced_weights(class_counts: list[int]) -> Tensor:
    """Return weights (C) inverse to the class frequencies, with mean 1 over the samples.

    >>> balanced_weights([30, 10])
    tensor([0.6667, 2.0000])
    """
    counts_C = torch.tensor(class_counts, dtype=torch.float32)
    return counts_C.sum() / (len(counts_C) * counts_C.clamp(min=1))


def one_hot(targets: Tensor, num_classes: int) -> Tensor:
    """Return targets as probabilities (B, C), whether they are class ids (B) or soft already.

    >>> one_hot(torch.tensor([1]), 3)
    tensor([[0., 1., 0.]])
    """
    return targets if targets.is_floating_point() else F.one_hot(targets, num_classes).float()


def binary_cross_entropy(logits_BC: Tensor, targets: Tensor, *, smoothing: float, weight_C: Tensor | None) -> Tensor:
    """Return the one-against-rest cross-entropy, summed over the classes, mean over the batch."""
    targets_BC = one_hot(targets, logits_BC.shape[1])
    targets_BC = targets_BC * (1 - smoothing) + smoothing / 2
    losses_BC = F.binary_cross_entropy_with_logits(logits_BC, targets_BC, weight=weight_C, reduction="none")
    return losses_BC.sum(1).mean()


class ClassificationLoss(torch.nn.Module):
    """Cross-entropy (softmax) or binary cross-entropy (sigmoid) of logits, with smoothing and class weights.

    logits (B, C); targets class ids (B) or probabilities (B, C), as mixup and cutmix make them.
    """

    weight_C: Tensor | None

    def __init__(self, name: str, smoothing: float, weight_C: Tensor | None) -> None:
        super().__init__()
        self.name, self.smoothing = name, smoothing
        self.register_buffer("weight_C", weight_C)

    def forward(self, logits_BC: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss, in float32."""
        logits_BC = logits_BC.float()
        if self.name == "cross_entropy":
            return F.cross_entropy(logits_BC, targets, weight=self.weight_C, label_smoothing=self.smoothing)
        return binary_cross_entropy(logits_BC, targets, smoothing=self.smoothing, weight_C=self.weight_C)


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Cross-entropy with label smoothing whose gradient is made in one pass: of many classes torch's makes eight."""

    @staticmethod
    def forward(ctx: Any, logits_NC: Tensor, targets_N: Tensor, smoothing: float) -> Tensor:
        known_N = targets_N >= 0
        count = known_N.sum().clamp(min=1)
        floats_NC = logits_NC.float()
        total_N = floats_NC.logsumexp(1)
        right_N = floats_NC.gather(1, targets_N.clamp(min=0)[:, None])[:, 0]
        losses_N = (
            total_N - (1 - smoothing) * right_N - smoothing * floats_NC.mean(1) if smoothing else total_N - right_N
        )
        ctx.save_for_backward(logits_NC, targets_N, total_N, count)
        ctx.smoothing = smoothing
        return (losses_N * known_N).sum() / count

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits_NC, targets_N, total_N, count = ctx.saved_tensors
        known_N = (targets_N >= 0).float()
        gradient_NC = torch.sub(logits_NC, total_N[:, None]).exp_()
        gradient_NC -= ctx.smoothing / logits_NC.shape[1]
        right_N = targets_N.clamp(min=0)[:, None]
        gradient_NC.scatter_add_(1, right_N, torch.full_like(right_N, ctx.smoothing - 1, dtype=gradient_NC.dtype))
        gradient_NC *= (known_N * grad / count)[:, None]
        return gradient_NC.to(logits_NC.dtype), None, None


def smoothed_cross_entropy(logits_NC: Tensor, targets_N: Tensor, smoothing: float) -> Tensor:
    """Return the mean cross-entropy with label smoothing (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).

    Targets below zero do not count. It is torch's, in less time and memory where there are thousands of classes.

    >>> logits, targets = torch.randn(4, 9), torch.tensor([1, 2, -1, 8])
    >>> torchs = F.cross_entropy(logits, targets, ignore_index=-1, label_smoothing=0.1)
    >>> torch.allclose(smoothed_cross_entropy(logits, targets, 0.1), torchs)
    True
    """
    loss: Tensor = _SmoothedCrossEntropy.apply(logits_NC, targets_N, smoothing)
    return loss


class MembersLoss(torch.nn.Module):
    """The mean of a loss over the members of an ensemble; a plain network's outputs go through as they are.

    outputs (B, K, C) or (B, C) with class ids (B); for numbers (B, K) or (B) with targets (B).
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], plain_dims: int) -> None:
        super().__init__()
        self.loss, self.plain_dims = loss, plain_dims

    def forward(self, outputs: Tensor, targets_B: Tensor) -> Tensor:
        """Return the scalar loss."""
        if outputs.ndim == self.plain_dims:
            return self.loss(outputs, targets_B)
        return self.loss(outputs.flatten(0, 1), targets_B.repeat_interleave(outputs.shape[1]))


def make_loss(
    config: Config, num_classes: int | None = None, class_counts: list[int] | None = None
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss that `config` names, for `num_classes` classes or, without, for a number.

    `class_counts` are those of the training split; they make the balanced weights.
    Raises UserError where loss, output and target do not go together.

    >>> from convergent.config import make_config
    >>> loss = make_loss(make_config(loss="cross_entropy", output="softmax", label_smoothing=0.0), num_classes=2)
    >>> round(loss(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])).item(), 4)
    0.6931
    """
    check_pairing(config, classes=num_classes is not None)
    if num_classes is None:
        return regression_loss(config)
    balanced = config.class_weights == "balanced" and class_counts is not None
    weight_C = balanced_weights(class_counts or []) if balanced else None
    return ClassificationLoss(str(config.loss), config.label_smoothing or 0.0, weight_C)


def regression_loss(config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """Return mse, mae or huber of predictions and targets in standardised units, both (B) or (B, K)."""
    if config.loss == "mse":
        return F.mse_loss
    if config.loss == "mae":
        return F.l1_loss
    delta = config.huber_delta
    return lambda outputs, targets: F.huber_loss(outputs, targets, delta=delta)


def penalty(parameters: Sequence[Tensor], l1: float, l2: float) -> Tensor:
    """Return l1 * sum|w| + l2 * sum(w^2): what is added to the loss.

    >>> penalty([torch.tensor([1.0, -2.0])], l1=0.1, l2=0.01)
    tensor(0.3500)
    """
    total = torch.zeros((), device=parameters[0].device)
    for weight in parameters:
        if l1:
            total = total + l1 * weight.abs().sum()
        if l2:
            total = total + l2 * weight.square().sum()
    return total
