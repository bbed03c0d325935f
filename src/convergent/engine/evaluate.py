"""Run a network over samples without training it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

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
    return joined(outputs)[order], torch.cat(targets)[order]


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return outputs below each other; those of sequences of several lengths, (B, T, ...), padded with zeros.

    >>> joined([torch.ones(1, 1, 2), torch.ones(1, 2, 2)]).shape
    torch.Size([2, 2, 2])
    """
    if len({part.shape[1:] for part in parts}) == 1:
        return torch.cat(list(parts))
    longest = max(part.shape[1] for part in parts)
    return torch.cat([pad(part, (*(0, 0) * (part.ndim - 2), 0, longest - part.shape[1])) for part in parts])
