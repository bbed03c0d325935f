"""Optimisers by their standard names, their parameter groups, and the schedules of the learning rate.

Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
Decoupled weight decay: Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
Warm-up, stable, decay: Hu et al. 2024, https://arxiv.org/abs/2404.06395
One cycle: Smith and Topin 2018, https://arxiv.org/abs/1708.07120
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from convergent.config import Config

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
DECAY_SHARE = 0.4
MOMENTUM, MUON_MOMENTUM = 0.9, 0.95
NEWTON_SCHULZ_STEPS = 3
WIDE = 1.5
"""Columns a row above which steps on the square of a matrix cost less: 4 r + 18 square products, not 12 r + 6."""
COMPANION_RATE = 0.2
"""Of AdamW for the output layer, biases, norms and embeddings beside Muon: its steps are per weight. In short
trainings biases must go far (airbench94, https://arxiv.org/abs/2404.00498, gives them 64 times the filters' rate)."""


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Return whether weight decay applies: to matrices and filters, never to biases, norms, scales and embeddings."""
    return parameter.ndim >= 2 and not name.endswith("bias") and "embedding" not in name and "scale" not in name


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that are not frozen, by name; tied weights appear once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def parameter_groups(named: dict[str, nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups for an optimiser: what decays and what does not; an empty one is left out."""
    with_decay = [p for name, p in named.items() if decays(name, p)]
    without = [p for name, p in named.items() if not decays(name, p)]
    groups = [{"params": with_decay, "weight_decay": weight_decay}, {"params": without, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


@runtime_checkable
class Layered(Protocol):
    """A network that says how many layers lie above each of its parameters: 0 for the head."""

    def layers_above(self) -> dict[str, int]:
        """Return the number by the parameter's name."""
        ...


def layered_groups(model: Layered, named: dict[str, nn.Parameter], config: Config) -> list[dict[str, Any]]:
    """Return groups by layer, the head first, each with a learning rate and the share of the steps at which it begins.

    A rate for each layer and layers that begin one by one from the last: Howard and Ruder 2018, arXiv 1801.06146.
    """
    levels = model.layers_above()
    deepest = max(levels.values())
    groups = []
    for level in sorted({levels[name] for name in named}):
        here = {name: parameter for name, parameter in named.items() if levels[name] == level}
        rate = float(config.learning_rate or 0.0) * (config.layer_decay or 1.0) ** level
        begins = (config.unfreeze or 0.0) * level / max(1, deepest)
        groups += [
            {**group, "lr": rate, "begins": begins} for group in parameter_groups(here, config.weight_decay or 0.0)
        ]
    return groups


def rate_at(group: dict[str, Any], factor: float, progress: float) -> float:
    """Return a group's learning rate where the schedule says `factor`, zero before the group begins.

    >>> rate_at({"initial_lr": 0.1, "begins": 0.5}, 1.0, 0.4), rate_at({"initial_lr": 0.1}, 0.5, 0.4)
    (0.0, 0.05)
    """
    return float(group["initial_lr"] * factor) if progress >= group.get("begins", 0.0) else 0.0


MakeOptimizers = Callable[[nn.Module, Config, bool], list[torch.optim.Optimizer]]


def make_optimizers(model: nn.Module, config: Config, fused: bool = False) -> list[torch.optim.Optimizer]:
    """Return the optimisers that `config` names; each group keeps its peak as `initial_lr`.

    Muon takes the matrices and filters within the network and leaves the output layer and the rest to a companion.
    `fused` asks for torch's single-kernel implementation where the optimiser has one.
    """
    assert isinstance(config.learning_rate, float)
    named = trainable(model)
    if config.optimizer == "muon":
        matrices = {name: p for name, p in named.items() if p.ndim >= 2 and decays(name, p)}
        if len(matrices) > 1:
            # The last is the output layer as a rule; Jordan et al. leave it to AdamW: orthogonal steps jolt the logits.
            matrices.popitem()
        rest = {name: p for name, p in named.items() if name not in matrices}
        companion = config.model_copy(update={"learning_rate": COMPANION_RATE * config.learning_rate})
        optimizers: list[torch.optim.Optimizer] = [_single(rest, companion, "adamw", fused)] if rest else []
        if matrices:
            momentum = MUON_MOMENTUM if config.momentum is None else config.momentum
            muon = Muon(matrices.values(), config.learning_rate, momentum, config.weight_decay or 0.0)
            optimizers.insert(0, muon)
    else:
        groups = layered_groups(model, named, config) if isinstance(model, Layered) else None
        optimizers = [_single(named, config, str(config.optimizer), fused, groups)]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return optimizers


def has_fused(config: Config) -> bool:
    """Return whether torch has a single-kernel implementation of the optimiser."""
    return config.optimizer != "rmsprop"


def _single(
    named: dict[str, nn.Parameter], config: Config, name: str, fused: bool, groups: list[dict[str, Any]] | None = None
) -> torch.optim.Optimizer:
    groups = groups or parameter_groups(named, config.weight_decay or 0.0)
    lr = float(config.learning_rate or 0.0)
    betas = (config.beta1, config.beta2 if config.beta2 is not None else 0.999)
    momentum = MOMENTUM if config.momentum is None else config.momentum
    kernel: dict[str, Any] = {"fused": True} if fused else {}
    if name in ("adam", "adamw"):
        # torch's Adam couples its weight decay to the moments; without decay the two are the same.
        return torch.optim.AdamW(groups, lr=lr, betas=betas, **kernel)
    for group in groups:
        # torch's SGD, RMSprop and Adagrad couple it too: `decay_weights` does it for them.
        group["decoupled_decay"] = group.pop("weight_decay")
    if name == "gradient_descent":
        return torch.optim.SGD(groups, lr=lr, **kernel)
    if name == "sgd":
        nesterov = config.nesterov and momentum > 0
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, **kernel)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, lr=lr, momentum=momentum)
    assert name == "adagrad", name
    return torch.optim.Adagrad(groups, lr=lr, **kernel)


@torch.no_grad()
def decay_weights(optimizers: list[torch.optim.Optimizer]) -> None:
    """Shrink the weights by lr * weight decay, before the step, where the optimiser does not do it itself."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if group.get("decoupled_decay"):
                torch._foreach_mul_(group["params"], 1 - group["lr"] * group["decoupled_decay"])


def orthogonalize(gradient_MN: Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> Tensor:
    """Return the nearest semi-orthogonal matrix, roughly: singular values of about 1 (Newton-Schulz, quintic).

    In float32 on a CPU, where bfloat16 products can be emulated and a thousand times slower; in bfloat16 on a GPU.

    >>> u = orthogonalize(torch.diag(torch.tensor([3.0, 0.5])))
    >>> bool(((torch.linalg.svdvals(u) - 1).abs() < 0.5).all())
    True
    """
    x = gradient_MN.bfloat16() if gradient_MN.is_cuda else gradient_MN.float()
    transposed = x.shape[0] > x.shape[1]
    x = x.T if transposed else x
    x = x / x.norm().clamp(min=1e-7)
    x = _iterated_gram(x, steps) if x.shape[1] > WIDE * x.shape[0] else _iterated(x, steps)
    return (x.T if transposed else x).to(gradient_MN.dtype)


def _iterated(x: Tensor, steps: int) -> Tensor:
    a, b, c = NEWTON_SCHULZ
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterated_gram(x: Tensor, steps: int) -> Tensor:
    """Return the same of a wide matrix: x is multiplied twice in all, the steps are taken on its small square.

    Each step is a polynomial of x x^T times x, and all of these commute.
    """
    a, b, c = NEWTON_SCHULZ
    gram = x @ x.T
    factor = torch.eye(len(x), dtype=x.dtype, device=x.device)
    for step in range(steps):
        change = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        change.diagonal().add_(a)
        factor = change @ factor if step else change
        if step + 1 < steps:
            gram = change @ gram @ change
    return factor @ x


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised: for matrices (M, N), and filters seen as (out, in * kernel).

    The learning rate is the spectral norm of the change of a step. Filters keep the norm sqrt(out): a batch norm
    follows them as a rule, so that only their direction counts, and the learning rate is the relative change.
    torch.optim.Muon takes matrices alone and multiplies in bfloat16 always.
    """

    def __init__(self, params: Any, lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the parameters once; a parameter without gradient stays."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        momentum = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        nesterov = gradient.add(momentum, alpha=group["momentum"])
        if parameter.ndim > 2:
            parameter.mul_(len(parameter) ** 0.5 / parameter.norm().clamp(min=1e-7))
        else:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        # With the channels last the filters are a matrix in memory already, and reshaping copies nothing.
        matrix_MN = nesterov.movedim(1, -1).flatten(1)
        change = orthogonalize(matrix_MN).view(nesterov.movedim(1, -1).shape).movedim(-1, 1)
        scale = max(1.0, matrix_MN.shape[0] / matrix_MN.shape[1]) ** 0.5
        parameter.sub_(change, alpha=group["lr"] * scale)


def schedule_factor(config: Config, step: int, total_steps: int) -> float:
    """Return what the peak learning rate is multiplied with at `step` of `total_steps`, warm-up included.

    `reduce_on_plateau` is constant here: what it does depends on the evaluations (see engine/state.py).

    >>> from convergent.config import make_config
    >>> cosine = make_config(schedule="cosine", warmup=0.1)
    >>> [round(schedule_factor(cosine, s, 100), 2) for s in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    warmup_steps = round((config.warmup or 0.0) * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    match config.schedule:
        case "linear":
            return 1 - progress
        case "step":
            return float(config.decay_factor ** math.floor(progress / config.decay_every))
        case "cosine" | "one_cycle":
            return (1 + math.cos(math.pi * progress)) / 2
        case "warmup_stable_decay":
            return min(1.0, (1 - progress) / DECAY_SHARE)
    return 1.0
