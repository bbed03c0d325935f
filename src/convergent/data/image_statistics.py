"""What is fitted on the training images: mean and deviation of the channels, how neighbouring pixels go together,
and whether classes survive a mirror."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from convergent.data.decode import Geometry, cover
from convergent.types import Samples

FEWEST, MOST = 1_000, 10_000
MOST_VALUES = 50_000_000
SLICE = 250
SMALL_SIDE = 16
PATCH = 2
MOST_PATCHES = 32


class ImageStatistics(NamedTuple):
    """Mean and std of each channel, pixels in 0..1; the covariance (4 C, 4 C) of standardised 2 x 2 patches; and the
    accuracy of the nearest class mean, upright and mirrored."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    patch_covariance: tuple[tuple[float, ...], ...]
    upright_accuracy: float
    mirrored_accuracy: float


def fit_statistics(train: Samples, num_classes: int) -> ImageStatistics:
    """Return the statistics of the training split, or of a regular selection of it where it is large."""
    sum_P, products_PP, num_patches = torch.zeros(1), torch.zeros(1, 1, dtype=torch.double), 0
    small, targets = [], []
    for images_BCHW, targets_B in _selection(train):
        patches_NP = patches_of(images_BCHW)
        products_PP = products_PP + (patches_NP.T @ patches_NP).double()
        sum_P = sum_P + patches_NP.sum(0).double()
        num_patches += len(patches_NP)
        geometry = Geometry(images_BCHW.shape[1], SMALL_SIDE, SMALL_SIDE)
        small.append(cover(images_BCHW.permute(0, 2, 3, 1), geometry))
        targets.append(targets_B)
    mean_C, square_C = (
        each_P.reshape(-1, PATCH**2).mean(1) / num_patches for each_P in (sum_P, products_PP.diagonal())
    )
    std_C = (square_C - mean_C.square()).clamp(min=0).sqrt()
    std = tuple(value if value > 1e-3 else 1.0 for value in std_C.tolist())
    covariance = patch_covariance(products_PP / num_patches, mean_C, torch.tensor(std))
    upright, mirrored = mirror_test(torch.cat(small), torch.cat(targets), num_classes)
    return ImageStatistics(tuple(mean_C.tolist()), std, covariance, upright, mirrored)


def patches_of(images_BCHW: Tensor) -> Tensor:
    """Return 2 x 2 patches of uint8 images as values in 0..1, (N, C * 2 * 2): side by side where images are small, of
    large ones at most 32 along each side.

    >>> patches_of(torch.zeros(5, 3, 28, 28, dtype=torch.uint8)).shape, 5 * 14 * 14
    (torch.Size([980, 12]), 980)
    """
    height, width = images_BCHW.shape[2:]
    stride = PATCH * -(-min(height, width) // (PATCH * MOST_PATCHES))
    corners = [
        images_BCHW[:, :, row : height - PATCH + 1 + row : stride, column : width - PATCH + 1 + column : stride]
        for row in range(PATCH)
        for column in range(PATCH)
    ]
    return torch.stack(corners, -1).permute(0, 2, 3, 1, 4).float().div_(255).flatten(3).flatten(0, 2)


def patch_covariance(products_PP: Tensor, mean_C: Tensor, std_C: Tensor) -> tuple[tuple[float, ...], ...]:
    """Return the covariance of standardised patches from the mean product of raw ones, P = C * 2 * 2."""
    mean_P, std_P = (channel.double().repeat_interleave(PATCH**2) for channel in (mean_C, std_C))
    covariance_PP = (products_PP - torch.outer(mean_P, mean_P)) / torch.outer(std_P, std_P)
    return tuple(tuple(round(value, 7) for value in row) for row in covariance_PP.tolist())


def _selection(train: Samples) -> Iterator[tuple[Tensor, Tensor]]:
    values = train.batch(np.arange(1)).inputs[0].numel()
    most = min(len(train), MOST, max(FEWEST, MOST_VALUES // values))
    chosen = np.linspace(0, len(train) - 1, most).astype(np.int64)
    for start in range(0, most, SLICE):
        (images_BCHW,), targets_B = train.batch(chosen[start : start + SLICE])
        yield images_BCHW, targets_B


def mirror_test(images_BHWC: Tensor, targets_B: Tensor, num_classes: int) -> tuple[float, float]:
    """Return the accuracy of the nearest class mean on the images as they are, and on their mirror images.

    A class that survives a mirror (a coat, a cat) is as near to its mean as before; a digit or a letter is not.
    """
    upright_BD = images_BHWC.float().flatten(1)
    mirrored_BD = images_BHWC.flip(2).float().flatten(1)
    counts_C = torch.bincount(targets_B, minlength=num_classes).clamp(min=1)
    means_CD = torch.zeros(num_classes, upright_BD.shape[1]).index_add_(0, targets_B, upright_BD) / counts_C[:, None]
    upright, mirrored = (
        (torch.cdist(x_BD, means_CD).argmin(1) == targets_B).float().mean().item() for x_BD in (upright_BD, mirrored_BD)
    )
    return upright, mirrored
