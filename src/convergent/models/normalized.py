"""Raw pixels in, standardised channels to the network: the statistics travel with the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIECE = 2**20
"""Values at once: as float32 they fill the second-level cache of a common core, from which the sum is read again."""


class Normalized(nn.Module):
    """A network behind (pixels / 255 - mean) / std of each channel.

    Takes images uint8 or float, 0 to 255, (B, C, H, W). With `mirror` an evaluation averages the logits of
    each image and of its mirror image (test-time augmentation: Krizhevsky et al. 2012). With `sigmoid` the classes were
    trained one against the rest: an evaluation gives log-sigmoids, whose softmax is each class's share of them.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], net: nn.Module, mirror: bool, sigmoid: bool
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean) * 255)
        self.register_buffer("std", torch.tensor(std) * 255)
        self.net, self.mirror, self.sigmoid = net, mirror, sigmoid

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the network's outputs."""
        standard_BCHW = standardise(images_BCHW, self.mean, self.std)
        outputs: Tensor = self.net(standard_BCHW)
        if self.mirror and not self.training:
            outputs = (outputs + self.net(standard_BCHW.flip(3))) / 2
        if self.sigmoid and not self.training:
            outputs = F.logsigmoid(outputs)
        return outputs


def standardise(images_BCHW: Tensor, mean_C: Tensor, std_C: Tensor) -> Tensor:
    """Return (images - mean) / std of each channel as float32, in the images' own memory layout.

    >>> standardise(torch.full((1, 1, 2, 2), 3.0), torch.tensor([1.0]), torch.tensor([4.0])).unique()
    tensor([0.5000])
    """
    scale_C = 1 / std_C
    start_C = -mean_C * scale_C
    if not images_BCHW.is_contiguous(memory_format=torch.channels_last):
        return torch.addcmul(start_C[:, None, None], images_BCHW.float(), scale_C[:, None, None])
    # By rows of pixels: where channels lie last, a loop over three values is as slow as one over one.
    batch, channels, height, width = images_BCHW.shape
    rows_NP = images_BCHW.permute(0, 2, 3, 1).reshape(batch * height, width * channels)
    standard_NP = _scaled(rows_NP, start_C.repeat(width), scale_C.repeat(width))
    return standard_NP.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _scaled(rows_NP: Tensor, start_P: Tensor, scale_P: Tensor) -> Tensor:
    """Return start + rows * scale; bytes are taken by pieces that stay in the processor's cache between the steps."""
    if rows_NP.is_floating_point() or torch.compiler.is_compiling() or rows_NP.device.type != "cpu":
        return torch.addcmul(start_P, rows_NP.float(), scale_P)
    scaled_NP = torch.empty(rows_NP.shape, device=rows_NP.device)
    size = max(1, PIECE // rows_NP.shape[1])
    for piece_NP, place_NP in zip(rows_NP.split(size), scaled_NP.split(size), strict=True):
        torch.addcmul(start_P, piece_NP.float(), scale_P, out=place_NP)
    return scaled_NP
