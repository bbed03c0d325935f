"""A plain convolutional network: stages of convolution, batch norm and activation, each halving the side.

LeCun et al. 1998 ("Gradient-based learning applied to document recognition"); batch norm: Ioffe, Szegedy 2015
(https://arxiv.org/abs/1502.03167); global average pooling: Lin et al. 2014 (https://arxiv.org/abs/1312.4400).
"""

from __future__ import annotations

from torch import Tensor, nn

from convergent.models.activations import initialise, make_activation


class Cnn(nn.Module):
    """The network: standardised images (B, C, H, W) -> logits (B, num_classes).

    width   channels of the first stage, doubled at each further one
    depth   number of stages, of two convolutions each
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
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        channels, side = in_channels, min(image_size)
        for stage in range(depth):
            out = width * 2**stage
            for _ in range(2):
                stages += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)]
                stages += [make_activation(activation)]
                channels = out
            if side >= 4:
                stages.append(nn.MaxPool2d(2))
                side //= 2
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, num_classes)
        )
        initialise(self, activation)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits."""
        logits_BC: Tensor = self.head(self.stages(images_BCHW))
        return logits_BC
