"""How large a language model is, and how much text it sees: by the text, or by the time that there is.

A training of N parameters on T tokens takes about 6 N T operations, and for each amount of them there is a best N
(Hoffmann et al. 2022, https://arxiv.org/abs/2203.15556). Where there are few it shrinks nearly as they do: a network
needs many hundreds of steps whatever its size, and few layers take the shorter ones.
"""

from __future__ import annotations

from typing import NamedTuple

from convergent.config import Config
from convergent.speed import device_type, product_speed, steadied

FULL_PARAMETERS, FULL_OPERATIONS, GROWTH, SHRINKING = 1.84e6, 1.2e13, 0.4, 0.85
"""Characters of tiny Shakespeare on two cores, nats: in 14 s of steps 2 layers of width 64 end at 1.87 and 2 of 128 at
1.92; in 28 s 3 of 64 at 1.79, 2 of 128 at 1.75 and 4 of 128 at 1.92; in 58 s 2 of 128 at 1.66 and 4 of 128 at 1.73."""
TOKENS_PER_PARAMETER = 4.0
"""Of a training without time limit."""
USED = 0.5
"""Of the speed of a matrix product: what is left to a step between them, Muon's own products included."""
START_SECONDS = 15.0
"""Of a time limit go into loading, measuring the plan, the last evaluation and the report."""
UNLIMITED_TOKENS = 3_200_000
"""Seen in a training without time limit at least, in up to MOST_EPOCHS passes."""
MOST_EPOCHS = 30


class Size(NamedTuple):
    """A network, the windows it sees, and how many of them make a batch."""

    width: int
    depth: int
    context: int
    batch_size: int

    @property
    def parameters(self) -> int:
        """Return the number of weights in the blocks."""
        return 12 * self.depth * self.width**2


SIZES = (
    Size(64, 2, 64, 12),
    Size(128, 2, 128, 8),
    Size(128, 4, 64, 12),
    Size(192, 4, 128, 12),
    Size(192, 6, 256, 8),
    Size(256, 6, 256, 12),
    Size(384, 6, 256, 24),
    Size(512, 8, 512, 32),
    Size(768, 12, 1024, 32),
)


def largest_size(parameters: float) -> Size:
    """Return the largest network of at most so many parameters, else the smallest there is.

    >>> largest_size(1e6).width, largest_size(0).width
    (128, 64)
    """
    fitting = [size for size in SIZES if size.parameters <= parameters]
    return fitting[-1] if fitting else SIZES[0]


def size_for_operations(operations: float) -> Size:
    """Return the network that suits a training of so many floating-point operations.

    >>> size_for_operations(2e12).width < size_for_operations(1e14).width
    True
    """
    by_full = operations / FULL_OPERATIONS
    return largest_size(FULL_PARAMETERS * by_full ** (GROWTH if by_full > 1 else SHRINKING))


def speed_here(device: str) -> float:
    """Return the speed of training, in operations a second."""
    kind = device_type(device)
    return steadied(USED * product_speed("bfloat16" if kind == "cuda" else "float32", kind))


def choose_size(config: Config, train_tokens: int) -> Size:
    """Return the size of the network for the time that there is, else for the text."""
    if config.time_limit is None:
        return largest_size(max(UNLIMITED_TOKENS, train_tokens) / TOKENS_PER_PARAMETER)
    seconds = max(1.0, config.time_limit - START_SECONDS)
    return size_for_operations(seconds * speed_here(config.device))


def choose_epochs(config: Config, train_tokens: int) -> int | None:
    """Return the passes over the text: enough to learn from it; the most that are of use where the time decides.

    >>> from convergent.config import make_config
    >>> choose_epochs(make_config(), 1_000_000), choose_epochs(make_config(), 100_000_000)
    (3, 1)
    """
    if config.max_steps is not None:
        return None
    if config.time_limit is not None:
        return MOST_EPOCHS
    return min(MOST_EPOCHS, max(1, round(UNLIMITED_TOKENS / max(1, train_tokens))))
