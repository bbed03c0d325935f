"""A multilayer perceptron on the pixels: the simplest network for images, blind to what lies beside what.

Rumelhart, Hinton, Williams 1986 ("Learning representations by back-propagating errors").
"""

from __future__ import annotations

from torch import Tensor, nn

from convergent.models.activations import initialise, make_activation


class ImageMLP(nn.Module):
    """The network: standardised images (B, C, H, W) -> logits (B, num_classes).

    width, depth   units of a hidden layer, and number of hidden layers
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
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = in_channels * image_size[0] * image_size[1]
        for _ in range(depth):
            layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), make_activation(activation)]
            layers += [nn.Dropout(dropout)]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, num_classes))
        initialise(self, activation)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits."""
        logits_BC: Tensor = self.layers(images_BCHW)
        return logits_BC
