"""What an output depends on: other samples of the batch, tokens to come, the size of the batch.

Karpathy, "A Recipe for Training Neural Networks" (2019): use a dependence test to find mixed dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from convergent.doctor.subject import Example, Subject, batch_dimension, first_output, rearranged

SHIFTED = 0.9
SHORTEST = 4
COPIED = 0.99
AFFINE = 1e-3
"""Of the outputs' spread: rounding in float32."""


def _inputs(example: Example) -> Tensor | None:
    return next((leaf for leaf in pytree.tree_leaves(example[:2]) if isinstance(leaf, Tensor) and leaf.ndim), None)


def several_inputs(subject: Subject) -> bool:
    """Return whether the network takes more than one tensor of samples that could tell the target."""
    leaves = [leaf for leaf in pytree.tree_leaves(subject.train_batches[0][:2]) if isinstance(leaf, Tensor)]
    return sum(leaf.ndim > 0 and len(leaf) == subject.batch_size and leaf.is_floating_point() for leaf in leaves) > 1


@torch.no_grad()
def _output_rows(subject: Subject, args: Any, kwargs: Any) -> Tensor | None:
    """Return outputs as (samples, ...), with the same random numbers at each call; None where samples can't be told."""
    torch.manual_seed(1)
    out = first_output(subject.model(*args, **kwargs))
    if out is None:
        return None
    out = out.float()
    if len(out) == subject.batch_size:
        return out.reshape(subject.batch_size, -1)
    if out.ndim > 1 and out.shape[1] == subject.batch_size:
        return out.transpose(0, 1).reshape(subject.batch_size, -1)
    return out.reshape(subject.batch_size, -1) if len(out) % subject.batch_size == 0 else None


def samples_mix(subject: Subject) -> float | None:
    """Return how much other samples' outputs change, by the outputs' spread, when one sample is exchanged.

    In evaluation mode, so batch norm does not mix. None where the batch dimension is not known, and where every batch
    is the same one: the nodes of a graph are trained together, and what they tell each other is meant.
    """
    if any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) and not m.track_running_stats for m in subject.model.modules()
    ):
        return None
    example = _whole_batch(subject)
    if example is None or subject.batch_size < 3 or _always_together(subject):
        return None
    found = shifted(example)
    if (found is not None and found[1] == 0) or _compares_samples(subject, example):
        return None  # what stands first is the time: samples are columns
    if _given_pairs(subject, example):
        return None
    subject.model.eval()
    args, kwargs, _ = example
    before = _output_rows(subject, args, kwargs)
    if before is None or not torch.isfinite(before).all():
        return None
    worst = 0.0
    for changed in (0, subject.batch_size // 2):
        order = torch.arange(subject.batch_size)
        order[changed] = (changed + 1) % subject.batch_size
        other_args, other_kwargs = rearranged((args, kwargs), subject.batch_size, order)
        after = _output_rows(subject, other_args, other_kwargs)
        if after is None:
            return None
        others = torch.arange(subject.batch_size) != changed
        spread = before.std(unbiased=False) + 1e-3 * before.abs().mean() + 1e-9
        worst = max(worst, float((after - before)[others].abs().max() / spread))
    return worst


def _given_pairs(subject: Subject, example: Example) -> bool:
    """Return whether one of several inputs holds a number for every pair of samples: edges of a graph."""
    leaves = [leaf for leaf in pytree.tree_leaves(example[:2]) if isinstance(leaf, Tensor)]
    return len(leaves) > 1 and any(
        leaf.ndim == 2 and len(leaf) == leaf.shape[1] == subject.batch_size for leaf in leaves
    )


@torch.no_grad()
def attends_over_batch(subject: Subject) -> str:
    """Return the name of an attention or recurrent layer that takes time first and is given samples first, or "".

    Only where the network's own input has its samples first, and the layer's other dimension is not the batch's.
    """
    example = _whole_batch(subject)
    first = _inputs(example) if example is not None else None
    if example is None or first is None or first.ndim < 2 or len(first) != subject.batch_size:
        return ""
    if first.shape[1] == subject.batch_size or shifted(example) is not None:
        return ""
    found: list[str] = []
    hooks = []
    for name, module in subject.model.named_modules():
        if isinstance(module, nn.MultiheadAttention | nn.RNNBase) and not module.batch_first:

            def look(module: nn.Module, args: Any, kwargs: Any, name: str = name) -> None:
                given = args[0] if args else kwargs.get("query", kwargs.get("input"))
                if isinstance(given, Tensor) and given.ndim == 3 and len(given) == subject.batch_size:
                    found.extend([name] if given.shape[1] != subject.batch_size else [])

            hooks.append(module.register_forward_pre_hook(look, with_kwargs=True))
    try:
        if hooks:
            subject.model.train()  # in evaluation mode a fused layer calls no hooks
            subject.forward(example)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else ""


def is_affine(subject: Subject) -> bool | None:
    """Return whether the outputs are an affine function of one of the inputs, on which nearly all of them depends.

    The others are held fixed: a graph's edges multiply what they carry. None where no input is of real numbers.
    """
    example = _whole_batch(subject)
    if example is None or subject.batch_size < 3:
        return None
    subject.to_start()  # what has learned nothing may give one output for everything
    subject.model.eval()
    args, kwargs, _ = example
    leaves = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    real = [t for t in leaves if t.is_floating_point() and t.ndim > 1 and len(t) == subject.batch_size]
    tried = [_is_affine_in(subject, leaf, args, kwargs) for leaf in real]
    return any(tried) if tried else None


def _is_affine_in(subject: Subject, leaf: Tensor, args: Any, kwargs: Any) -> bool:
    def outputs(other: Tensor) -> Tensor | None:
        exchanged = pytree.tree_map_only(Tensor, lambda t: other if t is leaf else t, (args, kwargs))
        return _output_rows(subject, *exchanged)

    neighbour = leaf.roll(1, 0)
    here, there = outputs(leaf), outputs(neighbour)
    middle, nothing = outputs((leaf + neighbour) / 2), outputs(torch.zeros_like(leaf))
    if here is None or there is None or middle is None or nothing is None:
        return False
    spread = float(here.std(0, unbiased=False).mean())
    depends = float(nothing.std(0, unbiased=False).mean()) < 0.3 * spread
    return depends and spread > 0 and float((middle - (here + there) / 2).abs().max()) < AFFINE * spread


def _compares_samples(subject: Subject, example: Example) -> bool:
    """Return whether each sample is to be told from the others of its batch: contrastive losses count them."""
    outside = [leaf for leaf in pytree.tree_leaves(example[2]) if isinstance(leaf, Tensor)]
    numbers = torch.arange(subject.batch_size)
    return any(leaf.shape == numbers.shape and torch.equal(leaf.cpu(), numbers.to(leaf.dtype)) for leaf in outside)


def _always_together(subject: Subject) -> bool:
    """Return whether all batches that were kept, at least two, hold the same samples in the same order."""
    first, *others = [_inputs(example) for example in subject.train_batches]
    return bool(others) and all(
        one is not None and first is not None and one.shape == first.shape and torch.equal(one, first) for one in others
    )


def _whole_batch(subject: Subject) -> Example | None:
    """Return the first batch of the usual size: the last of an epoch may be smaller than the others."""
    return next((e for e in subject.train_batches if _knows_batch(e, subject.batch_size)), None)


def _knows_batch(example: Example, batch_size: int) -> bool:
    inputs = _inputs(example)
    return inputs is not None and batch_dimension(inputs, batch_size) is not None


def is_causal(subject: Subject) -> bool:
    """Return whether targets are the inputs one step on, as in a language model: then the future must stay unseen."""
    return shifted(subject.train_batches[0]) is not None


def given_answers(subject: Subject) -> bool:
    """Return whether a decoder's input is what it shall answer, not shifted: class numbers, place by place.

    One input alone may be meant to be copied; beside another sequence of tokens it gives the answer away.
    """
    args, kwargs, outside = subject.train_batches[0]
    tokens = [
        leaf
        for leaf in pytree.tree_leaves((args, kwargs))
        if isinstance(leaf, Tensor) and leaf.ndim == 2 and _is_token(leaf) and leaf.shape[1] >= SHORTEST
    ]
    answers = [leaf for leaf in pytree.tree_leaves(outside) if isinstance(leaf, Tensor) and _is_token(leaf)]
    for target in answers:
        same = [one for one in tokens if one.numel() == target.numel() and _equals(one, target)]
        others = [one for one in tokens if all(one is not it for it in same) and int(one.max()) > 1]  # no mask
        if same and any(one.numel() != target.numel() or not _equals(one, target) for one in others):
            return _sees_its_own(subject, same[0])
    return False


def _sees_its_own(subject: Subject, answers: Tensor) -> bool:
    """Return whether an output depends on its own answer: a decoder may itself move what it is given by a step."""
    args, kwargs, _ = subject.train_batches[0]
    length = answers.shape[1]
    middle = length // 2
    other = answers.clone()
    other[:, middle:] = answers.roll(1, 0)[:, middle:]
    changed = other[:, middle] != answers[:, middle]
    subject.model.eval()
    before = _by_time(subject, args, kwargs, length)
    args, kwargs = pytree.tree_map_only(Tensor, lambda t: other if t is answers else t, (args, kwargs))
    after = _by_time(subject, args, kwargs, length)
    if before is None or after is None or len(before) != len(changed) or not changed.any():
        return True
    change = (after[:, : middle + 1] - before[:, : middle + 1])[changed].abs().max()
    return float(change) > 1e-4 * float(before.std(unbiased=False) + 1e-9)


def _is_token(leaf: Tensor) -> bool:
    return leaf.dtype in (torch.int32, torch.int64) and leaf.numel() > 0


def _equals(tokens: Tensor, target: Tensor) -> bool:
    counts = target.reshape(tokens.shape) >= 0
    return bool(counts.any()) and float((tokens == target.reshape(tokens.shape))[counts].float().mean()) > COPIED


def shifted(example: Example) -> tuple[Tensor, int] | None:
    """Return the input that the targets are one step ahead of, and its dimension of time; None where there is none.

    A decoder's input is not the first: that is what it translates. A model that computes its own loss gets its targets
    as an argument.
    """
    inputs = [leaf for leaf in pytree.tree_leaves(example[:2]) if isinstance(leaf, Tensor) and _is_sequence(leaf)]
    others = [leaf for leaf in pytree.tree_leaves(example[2]) if isinstance(leaf, Tensor) and leaf.ndim]
    for tokens in inputs:
        for target in (*others, *inputs):
            ahead = _beside(tokens, target)
            if target is tokens or ahead is None:
                continue
            for time in (1, 0):
                flat = tokens.reshape(ahead.shape)
                length = flat.shape[time]
                if length < SHORTEST or not flat.shape[1 - time] or (tokens.ndim > 2 and time == 0):
                    continue
                later, earlier = flat.narrow(time, 1, length - 1), ahead.narrow(time, 0, length - 1)
                known = (earlier >= 0) | earlier.is_floating_point()  # ids below zero do not count: padding, mostly
                if known.any() and (later == earlier)[known].float().mean() > SHIFTED:
                    return tokens, time
    return None


def _is_sequence(leaf: Tensor) -> bool:
    """Return whether a tensor is (B, T), or a series of one channel: (B, 1, T) or (B, T, 1)."""
    return leaf.ndim == 2 or (leaf.ndim == 3 and 1 in leaf.shape[1:] and leaf.is_floating_point())


def _beside(tokens: Tensor, target: Tensor) -> Tensor | None:
    """Return the targets as tokens (B, T) or (T, B), what stands behind the last token left out; None for others."""
    if target.numel() == tokens.numel():
        return target.reshape(len(tokens), -1)
    if tokens.ndim > 2:
        return None
    wider = target.ndim == 2 and len(target) == len(tokens) and target.shape[1] > tokens.shape[1]
    return target[:, : tokens.shape[1]] if wider else None


def future_leak(subject: Subject) -> float | None:
    """Return how much outputs up to a token change, by their spread, when only later tokens change."""
    example = _whole_batch(subject)
    found = shifted(example) if example is not None else None
    if example is None or found is None or found[1] != 1:
        return None
    args, kwargs, _ = example
    inputs = found[0]
    subject.model.eval()
    flat = inputs.reshape(len(inputs), -1)
    length = flat.shape[1]
    middle = length // 2
    other = flat.clone()
    other[:, middle:] = flat.roll(1, 0)[:, middle:].flip(1)
    other = other.reshape(inputs.shape)
    before = _by_time(subject, args, kwargs, length)
    args, kwargs = pytree.tree_map_only(Tensor, lambda t: other if t is inputs else t, (args, kwargs))
    after = _by_time(subject, args, kwargs, length)
    if before is None or after is None:
        return None
    change = (after[:, :middle] - before[:, :middle]).abs().max()
    return float(change / (before.std(unbiased=False) + 1e-9))


@torch.no_grad()
def _by_time(subject: Subject, args: Any, kwargs: Any, length: int) -> Tensor | None:
    """Return outputs as (samples, time, ...), with the same random numbers at each call; None where that is not known.

    Classes may stand before the time, as cross-entropy takes them.
    """
    torch.manual_seed(1)
    out = first_output(subject.model(*args, **kwargs))
    if out is None:
        return None
    out = out.float()
    if out.ndim > 2 and len(out) == subject.batch_size and out.shape[1] != length and out.shape[-1] == length:
        out = out.movedim(-1, 1)
    whole = out.numel() % (subject.batch_size * length) == 0
    return out.reshape(subject.batch_size, length, -1) if whole else None


@torch.no_grad()
def doubled_batch(subject: Subject) -> float | None:
    """Return the loss of half a batch with every sample twice by that of the half: 1 for a mean, 2 for a sum."""
    subject.model.eval()
    # Not a whole batch twice: it would need more memory than the training.
    half = torch.arange(max(1, subject.batch_size // 2))

    def loss_of(order: Tensor) -> float:
        args, kwargs, target = rearranged(subject.train_batches[0], subject.batch_size, order)
        torch.manual_seed(1)
        return float(subject.loss_of((args, kwargs, target)))

    if not math.isfinite(loss_of(half)):
        subject.to_start()  # a loss of broken weights tells nothing
    once, twice = loss_of(half), loss_of(half.repeat(2))
    return twice / once if once else None
