"""Remedies on how much there is: samples in a batch, views of an image, units of the network, regularisation.

Small batches: Masters and Luschi 2018, https://arxiv.org/abs/1804.07612.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from convergent.treat.patient import Patient
from convergent.treat.remedies.network import dropout, seeded
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.remedies.steps import decay
from convergent.treat.reshaped import narrow
from convergent.types import Batch

SMALLEST_BATCH, FEWEST_BATCHES = 8, 4
SMALLEST_WIDTH = 8
MOST_DROPOUT, MOST_PENALTY, MOST_DECAY = 0.5, 0.01, 0.1
"""What is usual at most: of units, of a penalty within the gradient, of a decay beside it."""
TURN, SCALE, MOVE = 0.2, 0.15, 0.1
"""Radians, share of the size, share of the side: what hardly any picture's class depends on."""


def batch_size(factor: float) -> Remedy:
    """Return the remedy that multiplies the batch size, with equally many passes over the data."""

    def change(case: Case) -> Patient | None:
        patient = case.patient
        size = round(patient.batch_size * factor)
        if size < SMALLEST_BATCH or size * FEWEST_BATCHES > len(patient.train):
            return None
        treated = patient.with_options(batch_size=size)
        treated = replace(treated, batch_size=size, pace=patient.pace * patient.batch_size / size)
        line = f"DataLoader(train, batch_size={size}, shuffle=True)"
        return treated.noted("batch-size", f"batches of {size} samples", (line,), batch_size=size)

    return Remedy(f"batch-size-x{factor:g}", change)


class Warped:
    """Images turned, scaled and moved a little, each by its own draws; of shape (B, C, H, W) or (B, H, W)."""

    def __call__(self, batch: Batch, generator: Generator, progress: float) -> Batch:
        """Return the batch with its first input changed."""
        first, *others = batch.inputs
        images_BCHW = first if first.ndim == 4 else first[:, None]
        count, device = len(images_BCHW), images_BCHW.device
        draws_4B = (2 * torch.rand(4, count, generator=generator) - 1).to(device)
        angle_B, scale_B = TURN * draws_4B[0], 1 + SCALE * draws_4B[1]
        theta_B23 = torch.stack(
            [
                torch.stack([angle_B.cos() * scale_B, -angle_B.sin(), 2 * MOVE * draws_4B[2]], 1),
                torch.stack([angle_B.sin(), angle_B.cos() * scale_B, 2 * MOVE * draws_4B[3]], 1),
            ],
            1,
        )
        grid = F.affine_grid(theta_B23, list(images_BCHW.shape), align_corners=False).to(images_BCHW.dtype)
        warped = F.grid_sample(images_BCHW, grid, padding_mode="border", align_corners=False)
        return Batch((warped.reshape(first.shape), *others), batch.targets)


def augmented(case: Case) -> Patient | None:
    """Show each image a little turned, scaled and moved."""
    patient = case.patient
    if patient.tasks is not None:
        if patient.config.augment != ["none"]:
            return None
        names = ["shift", "flip"]
        return patient.with_options(augment=names).noted("augment", "images moved and mirrored", (), augment=names)
    inputs = case.sample[0][0]
    if patient.recipe.augment is not None or not inputs.is_floating_point() or not takes_images(patient.model, inputs):
        return None
    treated = replace(patient, recipe=replace(patient.recipe, augment=Warped()))
    line = "torchvision.transforms.v2.RandomAffine(degrees=11, translate=(0.1, 0.1), scale=(0.85, 1.15))"
    return treated.noted("augment", "images turned, scaled and moved a little", (line,))


def takes_images(model: nn.Module, inputs: Tensor) -> bool:
    """Return whether inputs are images: (N, C, H, W), or (N, H, W) where the network convolves in two dimensions."""
    filters = any(isinstance(module, nn.Conv2d) for module in model.modules())
    channels = inputs.ndim == 4 and inputs.shape[1] in (1, 3)
    return min(inputs.shape[-2:]) >= 8 and (channels or (inputs.ndim == 3 and filters)) if inputs.ndim > 2 else False


def smaller(case: Case) -> Patient | None:
    """Give a plain stack of linear layers, or a network of ours, fewer units.

    Any other network is its author's: which of its widths belong together can't be told from outside.
    """
    patient = case.patient
    if patient.tasks is not None:
        width = (patient.config.width or 0) // 2
        if width < SMALLEST_WIDTH:
            return None
        return patient.with_options(width=width).noted("smaller", f"width {width}", (), width=width)
    treated = patient.operated(seeded(case, narrow))
    return treated and treated.noted("smaller", "hidden layers with a quarter of the units", ("nn.Linear(..., width)",))


def less_regularised(case: Case) -> Patient | None:
    """Take away dropout and weight decay that are beyond what is usual: a training that fails needs neither."""
    patient = case.patient
    for heavy, remedy in ((heavy_dropout(patient), dropout(0.0)), (heavy_decay(patient), decay(0.0))):
        patient = (remedy.change(case.of(patient)) if heavy else None) or patient
    return None if patient is case.patient else patient


def heavy_dropout(patient: Patient) -> bool:
    """Return whether more than half of some layer's units are switched off."""
    layers = [m for m in patient.model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    return any(layer.p > MOST_DROPOUT for layer in layers)


def heavy_decay(patient: Patient) -> bool:
    """Return whether weights are drawn to zero by more than is usual, by the optimiser's own rule."""
    if patient.own is None:
        config = patient.config
        return max(config.l1 or 0, config.l2 or 0) > MOST_PENALTY or (config.weight_decay or 0) > MOST_DECAY
    decoupled = "weight_decay" in patient.own.groups[0].options and patient.own.kind.__name__.endswith("W")
    decays = [float(group.options.get("weight_decay") or 0) for group in patient.own.groups]
    return max(decays) > (MOST_DECAY if decoupled else MOST_PENALTY)


LARGER_BATCH, SMALLER_BATCH = batch_size(4), batch_size(0.25)
LESS_REGULARISED = Remedy("less-regularised", less_regularised)
AUGMENTED = Remedy("augment", augmented)
SMALLER = Remedy("smaller", smaller)
