"""Augmentation of a whole batch on its device: each a pure function of the images and a generator.

Flip and shift: Krizhevsky et al. 2012, https://papers.nips.cc/paper/4824; crop: Szegedy et al. 2015,
https://arxiv.org/abs/1409.4842; cutout: DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552;
mixup: Zhang et al. 2018, https://arxiv.org/abs/1710.09412; cutmix: Yun et al. 2019, https://arxiv.org/abs/1905.04899;
progressive resizing: Tan and Le 2021, https://arxiv.org/abs/2104.00298.

All draws come from the generator on the CPU, so that a training does the same on every device. Images are uint8 or
float, 0 to 255, of shape (B, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from convergent.config import nearest
from convergent.types import Batch, UserError

SHIFT = 1 / 12  # of the side; 3 pixels of 32
CUTOUT = 1 / 4  # of the side
CROP_AREA = (0.35, 1.0)
CROP_RATIO = (3 / 4, 4 / 3)
COLOUR = 0.4
LARGE = 2**14  # values of an image from which on a call for each costs less than a second copy of all
MIXUP_ALPHA = 0.2
PROGRESSIVE = ((0.4, 5 / 8), (0.7, 13 / 16))
"""(Until this share of the training, share of the side): about two thirds of the cost of full size throughout."""


def flip(images_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return the images, half of them mirrored left to right."""
    mirror_B = torch.rand(len(images_BCHW), generator=generator) < 0.5
    images_BHWC = images_BCHW.permute(0, 2, 3, 1)
    # Whole images are copied as they lie in memory: a choice by each pixel (`where`) took four times as long.
    if images_BHWC[0].numel() >= LARGE:
        pairs = zip(images_BHWC.unbind(), mirror_B.tolist(), strict=True)
        return torch.stack([one_HWC.flip(1) if mirror else one_HWC for one_HWC, mirror in pairs]).permute(0, 3, 1, 2)
    chosen_B = (torch.arange(len(mirror_B)) + len(mirror_B) * mirror_B).to(images_BCHW.device)
    both_NP = torch.cat([images_BHWC, images_BHWC.flip(2)]).flatten(1)
    return both_NP.index_select(0, chosen_B).view_as(images_BHWC).permute(0, 3, 1, 2)


def shift(images_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return the images moved by up to a twelfth of the side either way; what comes in is the reflected border."""
    batch, channels, height, width = images_BCHW.shape
    device = images_BCHW.device
    rows_BH = _shifted(batch, height, generator)
    most = _largest_shift(width)
    offset_B1 = torch.randint(-most, most + 1, (batch, 1), generator=generator)
    padded_BHWC = _reflected(images_BCHW.permute(0, 2, 3, 1), most)
    # Each row of the result is one piece of memory, copied as one: pixel by pixel took three times as long.
    row_BH = torch.arange(batch)[:, None] * height + rows_BH
    start_R = (row_BH * (width + 2 * most) + most + offset_B1).flatten().to(device)
    num_pieces = batch * height * (width + 2 * most) - width + 1
    pieces_NP = padded_BHWC.as_strided((num_pieces, width * channels), (channels, 1))
    return pieces_NP.index_select(0, start_R).view(batch, height, width, channels).permute(0, 3, 1, 2)


def _reflected(images_BHWC: Tensor, most: int) -> Tensor:
    """Return the images with `most` more columns on either side, the reflection of those within."""
    batch, height, width, channels = images_BHWC.shape
    padded_BHWC = images_BHWC.new_empty(batch, height, width + 2 * most, channels)
    padded_BHWC[:, :, most : width + most] = images_BHWC
    padded_BHWC[:, :, :most] = images_BHWC[:, :, 1 : most + 1].flip(2)
    padded_BHWC[:, :, width + most :] = images_BHWC[:, :, width - 1 - most : width - 1].flip(2)
    return padded_BHWC


def _largest_shift(side: int) -> int:
    return max(1, round(side * SHIFT))


def _shifted(batch: int, side: int, generator: Generator) -> Tensor:
    """Return for each image the source coordinate of every target coordinate, reflected at the borders: (B, side)."""
    most = _largest_shift(side)
    offset_B = torch.randint(-most, most + 1, (batch,), generator=generator)
    position_BS = (torch.arange(side) + offset_B[:, None]).abs()
    return torch.where(position_BS < side, position_BS, 2 * (side - 1) - position_BS)


def crop(images_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return a random part of each image, 35 to 100 percent of its area, enlarged to the full size; float."""
    batch, _, height, width = images_BCHW.shape
    draws_4B = torch.rand(4, batch, generator=generator)
    area_B = CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * draws_4B[0]
    log_ratio = torch.tensor(CROP_RATIO).log()
    ratio_B = (log_ratio[0] + (log_ratio[1] - log_ratio[0]) * draws_4B[1]).exp()
    scale_2B = torch.stack([(area_B * ratio_B).sqrt(), (area_B / ratio_B).sqrt()]).clamp(max=1)
    centre_2B = (2 * draws_4B[2:] - 1) * (1 - scale_2B)
    theta_B23 = torch.zeros(batch, 2, 3)
    theta_B23[:, 0, 0], theta_B23[:, 1, 1] = scale_2B
    theta_B23[:, 0, 2], theta_B23[:, 1, 2] = centre_2B
    grid = F.affine_grid(theta_B23, [batch, 1, height, width], align_corners=False).to(images_BCHW.device)
    return F.grid_sample(images_BCHW.float(), grid, padding_mode="reflection", align_corners=False)


def cutout(images_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return the images with a square of a quarter of the side at a random place filled with the mean colour."""
    _, _, height, width = images_BCHW.shape
    inside_B1HW = _boxes(images_BCHW, max(1, round(height * CUTOUT)), max(1, round(width * CUTOUT)), generator)
    mean_C = images_BCHW[:, :, ::2, ::2].float().mean((0, 2, 3)).to(images_BCHW.dtype)
    return torch.where(inside_B1HW, mean_C[:, None, None], images_BCHW)


def _boxes(images_BCHW: Tensor, box_height: int, box_width: int, generator: Generator) -> Tensor:
    """Return a mask (B, 1, H, W) of one box an image, its centre anywhere, cut at the borders."""
    batch, _, height, width = images_BCHW.shape
    top_B = torch.randint(height, (batch,), generator=generator) - box_height // 2
    left_B = torch.randint(width, (batch,), generator=generator) - box_width // 2
    rows_BH = _between(torch.arange(height), top_B, box_height)
    columns_BW = _between(torch.arange(width), left_B, box_width)
    return (rows_BH[:, None, :, None] & columns_BW[:, None, None, :]).to(images_BCHW.device)


def _between(position: Tensor, start_B: Tensor, length: int) -> Tensor:
    return (position >= start_B[:, None]) & (position < start_B[:, None] + length)


def colour(images_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return the images with brightness, contrast and saturation each changed by up to 40 percent; float."""
    factors = 1 + COLOUR * (2 * torch.rand(3, len(images_BCHW), 1, 1, 1, generator=generator) - 1)
    brightness, contrast, saturation = factors.to(images_BCHW.device)
    images_BCHW = images_BCHW.float() * brightness
    images_BCHW = torch.lerp(images_BCHW.mean((1, 2, 3), keepdim=True), images_BCHW, contrast)
    images_BCHW = torch.lerp(images_BCHW.mean(1, keepdim=True), images_BCHW, saturation)
    return images_BCHW.clamp(0, 255)


def mixup(images_BCHW: Tensor, targets_BC: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return each image blended with another of the batch, and the classes blended alike; both float."""
    share = _numpy(generator).beta(MIXUP_ALPHA, MIXUP_ALPHA)
    other = torch.randperm(len(images_BCHW), generator=generator).to(images_BCHW.device)
    images_BCHW = images_BCHW.float()
    return torch.lerp(images_BCHW[other], images_BCHW, share), torch.lerp(targets_BC[other], targets_BC, share)


def cutmix(images_BCHW: Tensor, targets_BC: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return each image with a box taken from another of the batch, and the classes blended by the box's area."""
    _, _, height, width = images_BCHW.shape
    side = float(np.sqrt(1 - _numpy(generator).uniform()))
    other = torch.randperm(len(images_BCHW), generator=generator).to(images_BCHW.device)
    inside_B1HW = _boxes(images_BCHW, round(height * side), round(width * side), generator)
    kept_B1 = 1 - inside_B1HW.float().mean((2, 3))
    mixed_BCHW = torch.where(inside_B1HW, images_BCHW[other], images_BCHW)
    return mixed_BCHW, torch.lerp(targets_BC[other], targets_BC, kept_B1)


def _numpy(generator: Generator) -> np.random.Generator:
    """Return numpy's generator, which draws from more distributions, seeded by torch's."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))


def progressive_share(progress: float) -> float:
    """Return the share of the side at which images are trained at that point: small first, full size in the end.

    >>> [progressive_share(p) for p in (0.0, 0.5, 1.0)]
    [0.625, 0.8125, 1.0]
    """
    return next((share for until, share in PROGRESSIVE if progress < until), 1.0)


def progressive(images_BCHW: Tensor, progress: float) -> Tensor:
    """Return the images scaled down as far as training has not come; float where they are."""
    share = progressive_share(progress)
    if share == 1.0:
        return images_BCHW
    size = [max(1, round(side * share)) for side in images_BCHW.shape[2:]]
    return F.interpolate(images_BCHW.float(), size=size, mode="bilinear", antialias=True)


OF_IMAGES: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "flip": flip, "shift": shift, "crop": crop, "colour": colour, "cutout": cutout,
}  # fmt: skip
OF_PAIRS = {"mixup": mixup, "cutmix": cutmix}


def make_augment(names: Sequence[str], num_classes: int) -> Callable[[Batch, Generator, float], Batch] | None:
    """Return the function (batch, generator, progress) -> batch that applies `names` in turn; None for none.

    With mixup or cutmix targets become probabilities (B, C); of both, one is drawn for each batch.
    Raises UserError for an unknown name.

    >>> augment = make_augment(["flip", "mixup"], num_classes=3)
    >>> batch = Batch((torch.zeros(8, 1, 4, 4, dtype=torch.uint8),), torch.zeros(8, dtype=torch.long))
    >>> augment(batch, torch.Generator(), 0.0).targets.shape
    torch.Size([8, 3])
    """
    known = [*OF_IMAGES, *OF_PAIRS, "progressive", "none"]
    for name in names:
        if name not in known:
            raise UserError(f"unknown augmentation `{name}`.{nearest(name, known)} Known: {', '.join(known)}.")
    of_images = [OF_IMAGES[name] for name in names if name in OF_IMAGES]
    of_pairs = [OF_PAIRS[name] for name in names if name in OF_PAIRS]
    grows = "progressive" in names
    if not of_images and not of_pairs and not grows:
        return None

    def augment(batch: Batch, generator: Generator, progress: float) -> Batch:
        (images_BCHW,), targets = batch
        for change in of_images:
            images_BCHW = change(images_BCHW, generator)
        if of_pairs:
            chosen = of_pairs[int(torch.randint(len(of_pairs), (), generator=generator))]
            images_BCHW, targets = chosen(images_BCHW, F.one_hot(targets, num_classes).float(), generator)
        if grows:
            images_BCHW = progressive(images_BCHW, progress)
        return Batch((images_BCHW.contiguous(memory_format=torch.channels_last),), targets)

    return augment
