"""The final model on the same samples under other conditions: inputs permuted, training mode, called twice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from convergent.doctor.record import Evidence
from convergent.doctor.subject import Subject, first_output, rearranged

PERMUTATIONS = 8


@torch.no_grad()
def permuted_losses(subject: Subject) -> dict[str, Any]:
    """Return the mean loss of the batches, and the same with inputs handed to other samples' targets.

    Permutation test of the dependence between input and target, as in Breiman 2001 for features.
    """
    subject.model.eval()
    real = torch.stack([subject.loss_of(example) for example in subject.train_batches]).mean()
    losses = []
    for shift in range(1, PERMUTATIONS + 1):
        several = []
        for example in subject.train_batches:
            (args, kwargs, target), size = example, subject.size_of(example)
            order = torch.arange(size).roll(shift * max(1, size // (PERMUTATIONS + 1)))
            if pytree.tree_leaves(target):
                other_args, other_kwargs = rearranged((args, kwargs), size, order)
            else:  # the model computes its own loss: its first argument is the input, later ones are targets
                other_args, other_kwargs = (rearranged(args[0], size, order), *args[1:]), kwargs
            several.append(subject.loss_of((other_args, other_kwargs, target)))
        losses.append(float(torch.stack(several).mean()))
    return {"real_loss": float(real), "permuted_loss": losses}


@torch.no_grad()
def mode_losses(subject: Subject) -> dict[str, Any]:
    """Return the mean loss of the same batches in evaluation and in training mode."""
    subject.model.eval()
    in_eval = torch.stack([subject.loss_of(example) for example in subject.train_batches]).mean()
    subject.model.train()
    in_train = torch.stack([subject.loss_of(example) for example in subject.train_batches]).mean()
    return {"eval_mode_loss": float(in_eval), "train_mode_loss": float(in_train)}


@torch.no_grad()
def own_accuracy(subject: Subject, evidence: Evidence) -> float | None:
    """Return the share of evaluated samples that the network's likeliest class gets right, by our own count."""
    data, call, example = evidence.data.valid, evidence.data.loss, subject.train_batches[0]
    if data is None or data.targets is None or call is None or not call.target_is_index or data.targets.ndim != 1:
        return None
    if len(example[0]) != 1 or example[1] or len(call.output_shape) != 2:
        return None
    subject.model.eval()
    right = 0.0
    for rows in torch.arange(len(data.inputs)).split(subject.batch_size):
        logits_BC = first_output(subject.model(data.inputs[rows].to(example[0][0].device)))
        if logits_BC is None or logits_BC.ndim != 2:
            return None
        right += float((logits_BC.argmax(1).cpu() == data.targets[rows]).sum())
    return right / len(data.inputs)


@torch.no_grad()
def positives(subject: Subject, evidence: Evidence) -> tuple[int, int, int, int] | None:
    """Return how many outputs say 1, how many targets are 1, how many are both, and of how many.

    Only where the loss is none that is known, for Dice, Tversky and their kin are written by hand: an output is then a
    logit, or a share where it lies in 0 to 1.
    """
    if evidence.data.loss is not None:
        return None
    subject.model.eval()
    counts = [0, 0, 0, 0]
    for example in subject.train_batches:
        output = first_output(subject.forward(example))
        target = next((leaf for leaf in pytree.tree_leaves(example[2]) if _is_binary_target(leaf, output)), None)
        if output is None or target is None:
            return None
        edge = 0.5 if float(output.min()) >= 0 and float(output.max()) <= 1 else 0.0
        says, is_one = output.reshape(-1) > edge, target.reshape(-1) == 1
        mine = int(says.sum()), int(is_one.sum()), int((says & is_one).sum()), target.numel()
        counts = [one + more for one, more in zip(counts, mine, strict=True)]
    return counts[0], counts[1], counts[2], counts[3]


def _is_binary_target(leaf: Any, output: Tensor | None) -> bool:
    """Return whether a tensor is of zeros and ones, as many as there are outputs."""
    alike = isinstance(leaf, Tensor) and output is not None and leaf.numel() == output.numel() and leaf.ndim > 0
    return alike and bool(((leaf == 0) | (leaf == 1)).all())


@torch.no_grad()
def eval_calls_differ(subject: Subject) -> float | None:
    """Return how far two calls in evaluation mode are apart, by the outputs' spread."""
    subject.model.eval()
    first, second = (first_output(subject.forward(subject.train_batches[0])) for _ in range(2))
    if first is None or second is None:
        return None
    return float((first - second).abs().max() / (first.std(unbiased=False) + 1e-9))
