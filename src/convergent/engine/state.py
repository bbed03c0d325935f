"""What a training is made of at a given step: all of it, so that a checkpoint of it continues bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convergent.config import Config


@dataclass
class Progress:
    """The numbers of a training that change; JSON-ready, so that they fit into a checkpoint's manifest."""

    step: int = 0
    total_steps: int = 0
    best: float | None = None
    best_step: int = 0
    evaluations_since_best: int = 0
    plateau_scale: float = 1.0
    plateau_evaluations: int = 0
    setup_seconds: float = 0.0
    """What passed before the first step: reading the data, measuring the plan."""
    elapsed_seconds: float = 0.0
    """What had passed when the state was saved."""
    evaluation_seconds: float = 0.0
    """What the last evaluation took."""
    schedule_changes: list[list[int]] = field(default_factory=list)
    """[step, new total]: where a time limit shortened or lengthened the schedule."""


def improves(value: float, best: float | None, higher_is_better: bool) -> bool:
    """Return whether `value` is better than the best so far; NaN never is.

    >>> improves(0.9, 0.8, True), improves(float("nan"), None, True)
    (True, False)
    """
    if math.isnan(value):
        return False
    return best is None or (value > best if higher_is_better else value < best)


@dataclass
class TrainState:
    """Model, optimisers, averaged weights, gradient scaler, best weights so far, and the numbers."""

    model: nn.Module
    optimizers: list[torch.optim.Optimizer]
    ema: AveragedModel | None
    scaler: torch.amp.GradScaler | None
    progress: Progress = field(default_factory=Progress)
    best_weights: dict[str, Tensor] | None = None

    def evaluated(self) -> nn.Module:
        """Return the network that is evaluated and kept: the averaged one, where there is one."""
        return self.ema.module if self.ema is not None else self.model

    def note_evaluation(self, value: float, higher_is_better: bool, config: Config) -> bool:
        """Take the monitored metric into account; keep the weights and return True where it is the best so far."""
        progress = self.progress
        best = improves(value, progress.best, higher_is_better)
        if best:
            progress.best, progress.best_step, progress.evaluations_since_best = value, progress.step, 0
            progress.plateau_evaluations = 0
            self.best_weights = copied(self.evaluated().state_dict())
            return True
        progress.evaluations_since_best += 1
        progress.plateau_evaluations += 1
        if config.schedule == "reduce_on_plateau" and progress.plateau_evaluations > config.plateau_patience:
            progress.plateau_scale *= config.decay_factor
            progress.plateau_evaluations = 0
        return False

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor that decides how the training goes on, under a flat name."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.ema is not None:
            tensors |= {f"ema.{name}": tensor for name, tensor in self.ema.state_dict().items()}
        for index, optimizer in enumerate(self.optimizers):
            for key, slots in optimizer.state_dict()["state"].items():
                tensors |= {
                    f"optimizer.{index}.{key}.{slot}": value for slot, value in slots.items() if torch.is_tensor(value)
                }
        return tensors

    def scalars(self) -> dict[str, Any]:
        """Return the rest of the state as JSON: the numbers and the scaler's."""
        return {
            "progress": dict(vars(self.progress)),
            "scaler": self.scaler.state_dict() if self.scaler is not None else None,
        }

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Bring back what `tensors` and `scalars` gave."""
        self.model.load_state_dict(_below("model.", tensors))
        if self.ema is not None:
            self.ema.load_state_dict(_below("ema.", tensors))
        for index, optimizer in enumerate(self.optimizers):
            slots: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _below(f"optimizer.{index}.", tensors).items():
                key, slot = name.split(".", 1)
                slots.setdefault(int(key), {})[slot] = tensor
            optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
        if self.scaler is not None and scalars["scaler"]:
            self.scaler.load_state_dict(scalars["scaler"])
        self.progress = Progress(**scalars["progress"])


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors detached and copied, so that training on does not change them."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Return an exponential moving average of weights and buffers, started at `model`."""
    average = get_ema_multi_avg_fn(decay)
    ema = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    return ema.requires_grad_(False)
