"""Raw pixels in, standardised channels to the network: the statistics travel with the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        scale_C11 = 1 / self.std[:, None, None]
        # One pass over the pixels instead of two: it shows at 224 pixels.
        standard_BCHW = torch.addcmul(-self.mean[:, None, None] * scale_C11, images_BCHW.float(), scale_C11)
        outputs: Tensor = self.net(standard_BCHW)
        if self.mirror and not self.training:
            outputs = (outputs + self.net(standard_BCHW.flip(3))) / 2
        if self.sigmoid and not self.training:
            outputs = F.logsigmoid(outputs)
        return outputs
