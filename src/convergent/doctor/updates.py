"""Gradients, weights and updates of sampled steps, as norms by layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convergent.doctor.measure import Pending, joined, norms
from convergent.doctor.record import StepSample
from convergent.doctor.steps import by_layer, parameters_of


class UpdateLog:
    """Notes the steps of one model; `samples` are those that were looked at closely."""

    def __init__(self, model: nn.Module, pending: Pending, samples: list[StepSample]) -> None:
        self._model, self._pending, self._samples = model, pending, samples
        self._layer_of = {
            id(p): name.rpartition(".")[0] or type(model).__name__ for name, p in model.named_parameters()
        }
        self._now: StepSample | None = None
        self._before: list[tuple[str, Tensor, Tensor]] = []
        self._stale: Tensor | None = None

    def layer_of(self, weight: Tensor, otherwise: str = "") -> str:
        """Return the name of the layer that holds a weight."""
        return self._layer_of.get(id(weight), otherwise)

    def sample(self, step: int) -> StepSample:
        """Return the sample of the step under way."""
        if self._now is None:
            self._now = StepSample(step, float("nan"), 0.0)
            self._samples.append(self._now)
        return self._now

    def before_backward(self, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        """Note the gradients that lie there before the first backward pass of a step."""
        held = {id(p) for optimizer in optimizers for p in parameters_of(optimizer)}
        grads = [p.grad for p in self._model.parameters() if p.grad is not None and id(p) in held]
        if grads:
            self._stale = joined(norms(grads))

    def before_closure(self, step: int, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        """Note the gradients that lie there when a closure is called again within a step: it should clear them."""
        if not any(isinstance(one, torch.optim.LBFGS) for one in optimizers):
            return
        held = [(self.layer_of(p, name), p.grad) for name, p in self._model.named_parameters() if p.grad is not None]
        sample = self.sample(step)
        if held:
            sizes, layers = norms([grad for _, grad in held]), [layer for layer, _ in held]
            self._pending.add(joined(sizes), lambda value: setattr(sample, "stale_gradient", value))
            self._pending.add_all(sizes, lambda values: sample.grad_norm.update(by_layer(layers, values)))

    def before_step(self, step: int, optimizer: torch.optim.Optimizer, backwards: int) -> None:
        """Note what an optimiser is about to use, at the first optimiser of the step."""
        if self._before:
            return
        sample = self.sample(step)
        self._note_rate(sample, optimizer)
        sample.backwards = backwards
        sample.training_mode = self._model.training
        named = [(name, p) for name, p in self._model.named_parameters() if p.requires_grad]
        if not isinstance(optimizer, torch.optim.LBFGS):  # its closure is yet to be called
            sample.grad_missing = [name for name, p in named if p.grad is None]
        held = [(self.layer_of(p, name), p) for name, p in named if p.grad is not None]
        layers = [layer for layer, _ in held]
        grads = norms([p.grad for _, p in held if p.grad is not None])
        weights = norms([p.detach() for _, p in held])
        self._pending.add_all(grads, lambda values: sample.grad_norm.update(by_layer(layers, values)))
        self._pending.add_all(weights, lambda values: sample.weight_norm.update(by_layer(layers, values)))
        self._before = [(layer, p, p.detach().clone()) for layer, p in held]
        if self._stale is not None:
            self._pending.add(self._stale, lambda value: setattr(sample, "stale_gradient", value))

    def _note_rate(self, sample: StepSample, optimizer: torch.optim.Optimizer) -> None:
        """Note the largest learning rate; that of a step captured as a graph lies on the device."""
        rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
        if any(isinstance(rate, Tensor) for rate in rates):
            largest = torch.stack([torch.as_tensor(rate, device=_device(rates)).float().reshape(()) for rate in rates])
            self._pending.add(largest.max(), lambda value: setattr(sample, "learning_rate", value))
        else:
            sample.learning_rate = max(map(float, rates), default=0.0)

    def close(self, step: int, loss: Tensor | float | None) -> None:
        """End a step that was made."""
        if self._before:
            self._note_updates(self.sample(step))
        sample = self._now
        if sample is None or loss is None:
            return
        if isinstance(loss, Tensor):
            self._pending.add(loss.mean() if loss.ndim else loss, lambda value: setattr(sample, "loss", value))
        else:
            sample.loss = loss

    def _note_updates(self, sample: StepSample) -> None:
        layers, weights, old = zip(*self._before, strict=True)
        # In place: a third set of weights would show in the peak of the memory.
        updates = norms([before.sub_(p.detach()) for p, before in zip(weights, old, strict=True)])
        self._pending.add_all(updates, lambda values: sample.update_norm.update(by_layer(layers, values)))
        changes = [change for change in old if change.dtype in (torch.bfloat16, torch.float16)]
        if changes:
            same = torch.stack([(change == 0).sum() for change in changes]).sum()
            self._pending.add(
                same / sum(change.numel() for change in changes), lambda value: setattr(sample, "unchanged", value)
            )

    def next_step(self) -> None:
        """Forget what was of the last step."""
        self._now, self._before, self._stale = None, [], None


def _device(rates: Sequence[object]) -> torch.device:
    return next(rate.device for rate in rates if isinstance(rate, Tensor))
