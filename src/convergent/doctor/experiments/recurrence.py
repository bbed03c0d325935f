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


@torch.no_grad()
def hidden_growth(subject: Subject) -> dict[str, Any]:
    """Return how the state of a recurrent network with ReLU grows over a sequence at its first weights, and its name.

    Its norm at the last step by that after a third of them; sigmoids and tanh bound the state, and are not looked at.
    """
    layers = [(n, m) for n, m in subject.model.named_modules() if isinstance(m, nn.RNN) and m.nonlinearity == "relu"]
    if not layers or subject.initial_state is None:
        return {}
    subject.to_start()
    grown: dict[str, float] = {}

    def watch(name: str, module: nn.RNN, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        if isinstance(states, Tensor) and states.ndim == 3:
            norms_T = states.float().norm(dim=2).mean(0 if module.batch_first else 1)
            early = float(norms_T[len(norms_T) // 3])
            if len(norms_T) >= SHORTEST and early > 0:
                grown[name] = float(norms_T[-1]) / early

    hooks = [m.register_forward_hook(lambda module, _, out, name=n: watch(name, module, out)) for n, m in layers]
    try:
        subject.forward(subject.train_batches[0])
    finally:
        for hook in hooks:
            hook.remove()
    worst = max(grown, key=lambda name: grown[name], default="")
    return {"hidden_growth": grown[worst], "growing_layer": worst} if worst else {}
