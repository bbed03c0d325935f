"""One optimiser step: augment, forward, loss, backward, clip, update. Eager, or compiled into one graph.

For a small network the time goes into launching hundreds of tiny operations; one graph of forward, backward and
update runs them as one piece of machine code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from convergent.config import Config
from convergent.data.order import derived_seed, generator
from convergent.engine.filter_gradient import JoinedFilterGradients
from convergent.engine.state import TrainState
from convergent.losses import penalty
from convergent.optim import MakeOptimizers, decay_weights, decays, make_optimizers, rate_at, trainable
from convergent.speed import DTYPES
from convergent.task import Augment, Loss
from convergent.types import Batch

Forward = Callable[[nn.Module, Batch, Loss], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Recipe:
    """What a step needs besides the state: the task's own functions, the options and the place."""

    forward: Forward
    loss: Loss
    augment: Augment | None
    config: Config
    device: torch.device
    precision: str = "float32"
    joined_filters: bool = False
    """Gradients of filters over small images are taken on the batch as one image (engine/filter_gradient.py)."""
    optimizers: MakeOptimizers = make_optimizers
    """(model, config, fused) -> its optimisers: those that the options name, or the user's own."""


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context in which matrix products and convolutions run in `precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


@contextlib.contextmanager
def arithmetic(recipe: Recipe) -> Iterator[None]:
    """Run what is within in the recipe's precision, and its convolutions as the recipe says."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(autocast(recipe.device, recipe.precision))
        if recipe.joined_filters:
            stack.enter_context(JoinedFilterGradients(DTYPES[recipe.precision]))
        yield


def seed_step(seed: int, step: int, device: torch.device) -> None:
    """Set torch's own generators, which dropout draws from, to the start of this step's stream."""
    derived = derived_seed(seed, "dropout", step)
    torch.default_generator.manual_seed(derived)
    if device.type == "cuda":
        torch.cuda.manual_seed(derived)
    elif device.type == "mps":
        torch.mps.manual_seed(derived)


def augmented(recipe: Recipe, batch: Batch, step: int, progress: float) -> Batch:
    """Return the batch as the network shall see it in this step."""
    if recipe.augment is None:
        return batch
    return recipe.augment(batch, generator(recipe.config.seed, "augment", step), progress)


def set_learning_rate(state: TrainState, factor: float, progress: float) -> None:
    """Set each group's learning rate to `factor` times its peak, and to zero before it begins."""
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate_at(group, factor, progress)


StepFunction = Callable[[Batch, int, float, float], tuple[Tensor, Tensor | None]]
"""(batch, step, learning rate factor, progress) -> (loss, gradient norm where it was computed), on the device."""


class EagerStep:
    """The step as torch runs it by itself, with accumulation, loss scaling and any optimiser."""

    def __init__(self, state: TrainState, recipe: Recipe, after_backward: Callable[[int], None] | None = None) -> None:
        self.state, self.recipe, self.after_backward = state, recipe, after_backward
        named = trainable(state.model)
        self.parameters = list(named.values())
        self.penalised = [parameter for name, parameter in named.items() if decays(name, parameter)]

    def __call__(self, batch: Batch, step: int, factor: float, progress: float) -> tuple[Tensor, Tensor | None]:
        """Update the weights once; return the loss and the norm of the gradient, or None where nobody asked for it."""
        recipe, state = self.recipe, self.state
        seed_step(recipe.config.seed, step, recipe.device)
        set_learning_rate(state, factor, progress)
        loss = self._gradients(augmented(recipe, batch, step, progress))
        if self.after_backward is not None:
            self.after_backward(step)
        norm = self._clip(step)
        decay_weights(state.optimizers)
        for optimizer in state.optimizers:
            if state.scaler is not None:
                state.scaler.step(optimizer)
            else:
                optimizer.step()
            optimizer.zero_grad()
        if state.scaler is not None:
            state.scaler.update()
        if state.ema is not None:
            state.ema.update_parameters(state.model)
        return loss, norm

    def _gradients(self, batch: Batch) -> Tensor:
        parts = split_batch(batch, self.recipe.config.accumulate)
        if len(parts) == 1:
            return self._backward(parts[0], 1.0)
        total = len(batch.targets)
        return torch.stack([self._backward(part, len(part.targets) / total) for part in parts]).sum()

    def _backward(self, batch: Batch, share: float) -> Tensor:
        recipe, config = self.recipe, self.recipe.config
        with arithmetic(recipe):
            loss, _ = recipe.forward(self.state.model, batch, recipe.loss)
        objective = loss
        if config.l1 or config.l2:
            objective = objective + penalty(self.penalised, config.l1, config.l2)
        if share != 1.0:
            objective = objective * share
        if self.state.scaler is not None:
            objective = self.state.scaler.scale(objective)
        objective.backward()
        return loss.detach() * share if share != 1.0 else loss.detach()

    def _clip(self, step: int) -> Tensor | None:
        config = self.recipe.config
        if config.clip_norm is None and step % config.log_every:
            return None
        if self.state.scaler is not None:
            for optimizer in self.state.optimizers:
                self.state.scaler.unscale_(optimizer)
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if config.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, config.clip_norm, norm)
        return norm


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Return the batch cut into at most `parts` pieces for accumulation."""
    if parts == 1:
        return [batch]
    inputs = zip(*(tensor.chunk(parts) for tensor in batch.inputs), strict=True)
    return [Batch(pieces, targets) for pieces, targets in zip(inputs, batch.targets.chunk(parts), strict=True)]


def has_own_optimizer(state: TrainState) -> bool:
    """Return whether the user handed the optimiser in: then it runs as it is."""
    return any("own" in group for optimizer in state.optimizers for group in optimizer.param_groups)


def can_compile(state: TrainState, config: Config, device: torch.device) -> bool:
    """Return whether the whole step can be one graph: torch can trace it, optimiser included."""
    import torch._dynamo.config as dynamo

    plain = config.accumulate == 1 and state.scaler is None and device.type in ("cpu", "cuda")
    known = all(isinstance(optimizer, torch.optim.AdamW | torch.optim.SGD) for optimizer in state.optimizers)
    ours = not has_own_optimizer(state)
    return plain and known and ours and hasattr(dynamo, "trace_autograd_ops")


class CompiledStep:
    """Forward, backward, clipping and update as one compiled graph; the optimiser's state stays the optimiser's."""

    def __init__(self, state: TrainState, recipe: Recipe) -> None:
        import torch._dynamo.config as dynamo

        dynamo.trace_autograd_ops = True
        self.state, self.recipe = state, recipe
        named = trainable(state.model)
        self.parameters = list(named.values())
        self.penalised = [parameter for name, parameter in named.items() if decays(name, parameter)]
        self.groups = [group for optimizer in state.optimizers for group in optimizer.param_groups]
        self.learning_rates = [torch.zeros(()) for _ in self.groups]
        self.updates = [
            functional_update(optimizer, group) for optimizer in state.optimizers for group in optimizer.param_groups
        ]
        self.compiled = torch.compile(self._whole, fullgraph=True)

    def __call__(self, batch: Batch, step: int, factor: float, progress: float) -> tuple[Tensor, Tensor | None]:
        """Update the weights once; return the loss and the norm of the gradient."""
        recipe = self.recipe
        seed_step(recipe.config.seed, step, recipe.device)
        for rate, group in zip(self.learning_rates, self.groups, strict=True):
            rate.fill_(rate_at(group, factor, progress))
        batch = augmented(recipe, batch, step, progress)
        loss, norm = self.compiled(batch.inputs, batch.targets, self.learning_rates)
        if self.state.ema is not None:
            self.state.ema.update_parameters(self.state.model)
        return loss, norm

    def _whole(
        self, inputs: tuple[Tensor, ...], targets: Tensor, learning_rates: list[Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        recipe, config = self.recipe, self.recipe.config
        with autocast(recipe.device, recipe.precision):
            loss, _ = recipe.forward(self.state.model, Batch(inputs, targets), recipe.loss)
        objective = loss
        if config.l1 or config.l2:
            objective = objective + penalty(self.penalised, config.l1, config.l2)
        gradients = torch.autograd.grad(objective, self.parameters)
        norm = None
        with torch.no_grad():
            if config.clip_norm is not None:
                norm = torch.nn.utils.get_total_norm(gradients)
                scale = (config.clip_norm / (norm + 1e-6)).clamp(max=1.0)
                gradients = tuple(gradient * scale for gradient in gradients)
            by_id = {id(p): gradient for p, gradient in zip(self.parameters, gradients, strict=True)}
            for update, group, rate in zip(self.updates, self.groups, learning_rates, strict=True):
                update([by_id[id(parameter)] for parameter in group["params"]], rate)
        return loss.detach(), norm


def functional_update(
    optimizer: torch.optim.Optimizer, group: dict[str, Any]
) -> Callable[[list[Tensor], Tensor], None]:
    """Return (gradients, learning rate) -> None: the group's update on the optimiser's own state tensors."""
    if isinstance(optimizer, torch.optim.AdamW):
        return _adamw_update(optimizer, group)
    return _sgd_update(optimizer, group)


def _slots(optimizer: torch.optim.Optimizer, parameters: list[Tensor], name: str) -> list[Tensor]:
    for parameter in parameters:
        zero = torch.zeros(()) if name == "step" else torch.zeros_like(parameter)
        optimizer.state[parameter].setdefault(name, zero)
    return [optimizer.state[parameter][name] for parameter in parameters]


def _adamw_update(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> Callable[[list[Tensor], Tensor], None]:
    parameters: list[Tensor] = group["params"]
    first, second = (_slots(optimizer, parameters, name) for name in ("exp_avg", "exp_avg_sq"))
    steps = _slots(optimizer, parameters, "step")
    beta1, beta2 = group["betas"]

    def update(gradients: list[Tensor], rate: Tensor) -> None:
        adam(
            parameters, gradients, first, second, [], steps, foreach=False, capturable=False, differentiable=False,
            fused=False, has_complex=False, decoupled_weight_decay=True, amsgrad=False, beta1=beta1, beta2=beta2,
            lr=rate, weight_decay=group["weight_decay"], eps=group["eps"], maximize=False,
        )  # fmt: skip

    return update


def _sgd_update(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> Callable[[list[Tensor], Tensor], None]:
    parameters: list[Tensor] = group["params"]
    buffers: list[Tensor | None] = [None] * len(parameters)
    if group["momentum"]:
        buffers = list(_slots(optimizer, parameters, "momentum_buffer"))
    decay = group["decoupled_decay"]

    def update(gradients: list[Tensor], rate: Tensor) -> None:
        if decay:
            for parameter in parameters:
                parameter.mul_(1 - rate * decay)
        sgd(
            parameters, gradients, buffers, foreach=False, fused=False, weight_decay=0.0, momentum=group["momentum"],
            lr=rate, dampening=0.0, nesterov=group["nesterov"], maximize=False,
        )  # fmt: skip

    return update


def make_step(
    state: TrainState, recipe: Recipe, compiled: bool, after_backward: Callable[[int], None] | None = None
) -> StepFunction:
    """Return the step in the form that the plan chose; observers see gradients of the eager one alone."""
    return CompiledStep(state, recipe) if compiled else EagerStep(state, recipe, after_backward)
