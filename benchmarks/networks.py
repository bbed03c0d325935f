"""The networks that the benchmarks train, in torch and in Keras, and the data they get.

The numbers are random: how long a step takes does not depend on them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

CLASSES = 10
WIDTH = 64
CHANNELS = (32, 64, 64, 128)


class Shape(NamedTuple):
    """What one sample looks like, and how the benchmark cuts the time: `steps` make one block of a round."""

    sample: tuple[int, ...]
    batch_size: int
    steps: int
    expected_steps: int
    """The length of the run that the plan is chosen for."""


SHAPES = {
    "mlp": Shape((WIDTH,), 64, 1000, 1_000_000),
    "cnn": Shape((3, 32, 32), 64, 25, 20_000),
    "resnet": Shape((3, 32, 32), 64, 10, 20_000),
}


def make_data(network: str, num_batches: int) -> tuple[Tensor, Tensor]:
    """Return inputs float32 (N, ...) and class ids int64 (N,)."""
    shape = SHAPES[network]
    count = num_batches * shape.batch_size
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, *shape.sample, generator=generator)
    return inputs, torch.randint(CLASSES, (count,), generator=generator)


def make_network(network: str) -> nn.Module:
    """Return the torch network by its name, at the same initial weights each time."""
    torch.manual_seed(0)
    return {"mlp": make_mlp, "cnn": make_cnn, "resnet": make_resnet}[network]()


def make_mlp() -> nn.Module:
    """Return three layers of width 64: a step takes a third of a millisecond."""
    return nn.Sequential(
        nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES)
    )


def make_cnn() -> nn.Module:
    """Return four convolutions with batch norm and pooling: a step takes about 40 ms on two cores."""
    layers: list[nn.Module] = []
    for before, after in zip((3, *CHANNELS), CHANNELS, strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS[-1] * 4, CLASSES))


class Residual(nn.Module):
    """Two convolutions around which the input is added (He et al. 2015, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip
        same = before == after and stride == 1
        self.short = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the activations, (B, C, H, W)."""
        return torch.relu(self.body(x_BCHW) + self.short(x_BCHW))


def make_resnet() -> nn.Module:
    """Return a residual network of eight convolutions, 32 to 128 channels."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        Residual(32, 32, 1), Residual(32, 64, 2), Residual(64, 128, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, CLASSES),
    )  # fmt: skip


def make_keras(network: str) -> Any:
    """Return the same network in Keras, in the layout that its backend prefers, compiled with AdamW."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    if network == "mlp":
        body = [layers.Dense(WIDTH, activation="relu"), layers.Dense(WIDTH, activation="relu")]
        sample: tuple[int, ...] = (WIDTH,)
    else:
        body, sample = [], (32, 32, 3)
        for channels in CHANNELS:
            body += [layers.Conv2D(channels, 3, padding="same", use_bias=False), layers.BatchNormalization()]
            body += [layers.ReLU(), layers.MaxPooling2D(2)]
        body += [layers.Flatten()]
    model = keras.Sequential([keras.Input(sample), *body, layers.Dense(CLASSES)])
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.01)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def flops_of_step(network: str) -> int:
    """Return the floating-point operations of one step, forward and backward, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    inputs, targets = make_data(network, 1)
    model = make_network(network)
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(model(inputs), targets).backward()
    return int(counter.get_total_flops())
