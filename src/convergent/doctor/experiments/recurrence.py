"""How far back in time a recurrent network's loss reaches (Bengio, Simard and Frasconi 1994)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from convergent.doctor.subject import Subject

SHORTEST = 16


def time_ratio(subject: Subject) -> float | None:
    """Return the gradient of the loss by the first third of the inputs in time by that by the last third, at the end.

    None where the first recurrent module is not given one tensor of at least 16 steps.
    """
    recurrent = next((m for m in subject.model.modules() if isinstance(m, nn.RNN | nn.LSTM | nn.GRU)), None)
    if recurrent is None or recurrent.bidirectional:
        return None
    given: list[Tensor] = []

    def watch(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not args or not isinstance(args[0], Tensor) or args[0].ndim != 3:
            return None
        given.append(args[0].detach().requires_grad_())
        return (given[-1], *args[1:])

    handle = recurrent.register_forward_pre_hook(watch)
    try:
        subject.model.eval()
        loss = subject.loss_of(subject.train_batches[0])
    finally:
        handle.remove()
    if len(given) != 1:
        return None
    (gradient,) = torch.autograd.grad(loss, given)
    by_time_T = gradient.norm(dim=2).mean(0 if recurrent.batch_first else 1)
    third = len(by_time_T) // 3
    last = float(by_time_T[-third:].max()) if len(by_time_T) >= SHORTEST else 0.0
    return float(by_time_T[:third].mean()) / last if last > 0 else None
