"""How wide an image network is where a time is given: as wide as still lets it see the data often enough.

airbench (Jordan 2024, https://arxiv.org/abs/2404.00498) takes 94, 95 and 96 percent of CIFAR-10 with four and twenty
times the operations, and spends most of them on wider stages, not on more epochs.
"""

from __future__ import annotations

import math

from convergent.models.cnn import GROWTH, PATCH, num_stages, stem_stride
from convergent.speed import device_type, peak_speed, steadied

GROWING = (1.0, 1.5, 2.0, 3.0)
"""Times the usual width."""
ENOUGH_EPOCHS = 16
USED = 0.25
"""Of the speed of a matrix product: convolutions reach half of it, and norms, pooling and activations take as long."""
START_SECONDS = 60.0
"""Of a time limit go into decoding, measuring the plan, evaluations and the report."""
SMALLER = 0.66
"""Of the operations are left by images that grow in the course of the training."""


def speed_here(device: str) -> float:
    """Return the speed of training, in operations a second."""
    return steadied(USED * peak_speed(device_type(device)))


def operations(image_size: tuple[int, int], channels: int, width: int) -> float:
    """Return the operations of one image, forward and backward, by a network of so many channels in its first stage.

    >>> round(operations((32, 32), 3, 64) / 1e9, 1)
    0.6
    """
    stride = stem_stride(image_size)
    side = math.sqrt(image_size[0] * image_size[1]) / stride
    before = 2 * channels * PATCH**2 if stride == 1 else width
    products = 0.0
    for stage in range(num_stages(image_size, stride)):
        after = width if stage == 0 else GROWTH * width
        products += 9 * (before * after * side**2 + after**2 * (side / 2) ** 2)
        before, side = after, side / 2
    return 6 * products


def epochs_in(seconds: float, speed: float, images: int, of_one: float) -> float:
    """Return how often the images are seen in that time, at `of_one` operations an image."""
    return max(0.0, seconds - START_SECONDS) * speed / (images * of_one * SMALLER)


def widest(usual: int, image_size: tuple[int, int], channels: int, images: int, seconds: float, speed: float) -> int:
    """Return the largest width of which the training still sees the images often enough in that time.

    >>> [widest(64, (32, 32), 3, 50_000, seconds, 5e11) for seconds in (60, 1500, 7200)]
    [64, 96, 192]
    """
    widths = [round(usual * times) for times in GROWING]
    costs = {width: operations(image_size, channels, width) for width in widths}
    fitting = [width for width in widths if epochs_in(seconds, speed, images, costs[width]) >= ENOUGH_EPOCHS]
    return max(fitting, default=usual)
