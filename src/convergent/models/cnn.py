"""A convolutional network for a small budget: few wide stages, a whitening stem, global max-pooling.

The plan of the network is that of Page 2018 ("How to Train Your ResNet") and of airbench94 (Jordan 2024, "94% on
CIFAR-10 in 3.29 Seconds on a Single GPU", https://arxiv.org/abs/2404.00498): patches whitened by a frozen first
convolution, then stages of convolution, pooling, batch norm (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167)
and a residual convolution (He et al. 2016, https://arxiv.org/abs/1512.03385), and one fully connected layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convergent.models.activations import initialise, make_activation

GROWTH = 3
BATCH_NORM_MOMENTUM = 0.3
"""Few epochs: the running statistics must follow the weights sooner than torch's 0.1 lets them."""
SMALLEST_SIDE = 3
WHITENING_EPSILON = 5e-4
PATCH = 2


def num_stages(image_size: tuple[int, int], stride: int) -> int:
    """Return how often the side can be halved until 3 to 5 pixels are left: 1 to 5 times.

    >>> num_stages((32, 32), 1), num_stages((28, 28), 1), num_stages((224, 224), 4)
    (3, 3, 4)
    """
    return max(1, min(5, int(math.log2(min(image_size) / stride / SMALLEST_SIDE))))


def stem_stride(image_size: tuple[int, int]) -> int:
    """Return the stride of the first convolution: large images are not worked on at full size.

    >>> stem_stride((32, 32)), stem_stride((64, 64)), stem_stride((224, 224))
    (1, 2, 4)
    """
    side = math.sqrt(image_size[0] * image_size[1])
    return 1 if side < 48 else 2 if side < 96 else 4


class Stage(nn.Module):
    """Convolution, pooling to half the side, norm, activation; then a residual convolution with norm and activation."""

    def __init__(self, in_channels: int, out_channels: int, activation: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = nn.BatchNorm2d(out_channels, momentum=BATCH_NORM_MOMENTUM)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels, momentum=BATCH_NORM_MOMENTUM)
        self.activation = make_activation(activation)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, out_channels, H / 2, W / 2)."""
        x_BCHW = self.activation(self.norm1(self.pool(self.conv1(x_BCHW))))
        y_BCHW: Tensor = self.activation(x_BCHW + self.norm2(self.conv2(x_BCHW)))
        return y_BCHW


class Cnn(nn.Module):
    """The network: standardised images (B, C, H, W) -> logits (B, num_classes).

    width    channels of the first stage; the later ones have three times as many
    depth    number of stages, each halving the side; as many as the size allows by default
    patch_covariance  of 2 x 2 patches of standardised training images, (4 C, 4 C), for the whitening stem; without it
             the stem is an ordinary convolution that learns
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        image_size: tuple[int, int],
        *,
        width: int,
        depth: int,
        activation: str,
        dropout: float,
        patch_covariance: Sequence[Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        stride = stem_stride(image_size)
        kernel = max(PATCH, stride)
        stem_channels = 2 * in_channels * PATCH**2 if stride == 1 else width
        self.stem = nn.Conv2d(in_channels, stem_channels, kernel, stride=stride)
        self.activation = make_activation(activation)
        widths = [width] + [GROWTH * width] * (depth - 1)
        pairs = zip([stem_channels, *widths[:-1]], widths, strict=True)
        self.stages = nn.Sequential(*(Stage(before, after, activation) for before, after in pairs))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], num_classes)
        initialise(self, activation)
        self._start_as_identity()
        if patch_covariance is not None and stride == 1:
            self._whiten(torch.tensor(patch_covariance))

    def _start_as_identity(self) -> None:
        """Let signals pass the first convolutions, and start the head at the uniform distribution."""
        for stage in self.stages:
            assert isinstance(stage, Stage)
            nn.init.dirac_(stage.conv1.weight.data[: stage.conv1.in_channels])
        nn.init.zeros_(self.head.weight)

    @torch.no_grad()
    def _whiten(self, covariance_PP: Tensor) -> None:
        """Set the stem to the whitened principal components of patches and their negatives, and freeze it."""
        values, vectors = torch.linalg.eigh(covariance_PP)
        filters_PP = (vectors / (values.clamp(min=0) + WHITENING_EPSILON).sqrt()).T.flip(0)
        filters = filters_PP.reshape(-1, *self.stem.weight.shape[1:])
        self.stem.weight.copy_(torch.cat([filters, -filters]))
        self.stem.weight.requires_grad_(False)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits."""
        features_BCHW = self.stages(self.activation(self.stem(images_BCHW)))
        logits_BC: Tensor = self.head(self.dropout(features_BCHW.amax((2, 3))))
        return logits_BC
