"""Run a network over samples without training it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from convergent.data.loader import all_once
from convergent.engine.step import autocast
from convergent.task import outputs_as_they_are
from convergent.types import Batch, Samples


@torch.inference_mode()
def outputs_of(
    model: nn.Module,
    samples: Samples,
    batch_size: int,
    device: torch.device,
    precision: str = "float32",
    judge: Callable[[nn.Module, Batch], Tensor] = outputs_as_they_are,
) -> tuple[Tensor, Tensor]:
    """Return (outputs, targets) of all samples in their order, on the CPU, outputs in float32.

    `judge` is the task's: what it makes of the network's outputs is all that is kept of them. The network runs in eval
    mode and is left in the mode in which it was.
    """
    was_training = model.training
    model.eval()
    outputs, targets, places = [], [], []
    try:
        for indices, batch in all_once(samples, batch_size, device):
            places.append(torch.from_numpy(indices))
            with autocast(device, precision):
                outputs.append(judge(model, batch).float().cpu())
            targets.append(batch.targets.cpu())
    finally:
        model.train(was_training)
    order = torch.cat(places).argsort()
    return torch.cat(outputs)[order], torch.cat(targets)[order]
