"""From values to pixels: linear and logarithmic scales with round ticks, and numbers as a reader wants them.

Ticks at 1, 2 and 5 times a power of ten: Heckbert, "Nice Numbers for Graph Labels", Graphics Gems (1990).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOG_RATIO = 30.0


@dataclass(frozen=True)
class Scale:
    """A mapping of [low, high] to the pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`; values outside lie outside."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low * 1e-3))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Return about `count` round values within the scale."""
        return log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high, count)


def fit_scale(values: Iterable[float], start: float, end: float, *, log: bool = False, zero: bool = False) -> Scale:
    """Return a scale that holds all finite values with a little air; `zero` includes 0.

    >>> fit_scale([0.0, 10.0], 0, 100, zero=True)(5.0) < 50
    True
    """
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(finite), max(finite)) if finite else (0.1, 1.0)
    if log:
        return Scale(low / 1.15, high * 1.15, start, end, log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    size = max(abs(low), abs(high))
    air = (high - low) * 0.06 if high - low > size * 1e-9 else size * 0.1 or 1.0
    return Scale(low if zero and low == 0 else low - air, high + air, start, end)


def wants_log(values: Iterable[float]) -> bool:
    """Return True where values are positive and span more than a factor of 30.

    >>> wants_log([0.01, 2.3]), wants_log([0.5, 2.3]), wants_log([-1.0, 99.0])
    (True, False, False)
    """
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > LOG_RATIO


def linear_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round values in [low, high].

    >>> linear_ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten in [low, high], with 2 and 5 times them where the range is short.

    >>> log_ticks(0.5, 20)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    decades = math.log10(high / low)
    factors = (1.0, 2.0, 5.0) if decades < 2 else (1.0, 3.0) if decades < 3 else (1.0,)
    every = max(1, round(decades / 6))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [float(f"{tick:.6g}") for tick in ticks if low * 0.999 <= tick <= high * 1.001]


def number(value: float) -> str:
    """Return a number with about four digits, whole numbers with thousands separated.

    >>> number(0.91234), number(12345), number(532.18), number(3e-05), number(float("nan"))
    ('0.9123', '12,345', '532.2', '3.0e-05', 'nan')
    """
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if value == int(value) and size < 1e15:
        return f"{value:,.0f}"
    if size < 0.001 or size >= 1e9:
        return f"{value:.1e}"
    decimals = max(0, 3 - math.floor(math.log10(size))) if size >= 1 else 4
    return f"{value:,.{decimals}f}"


def score(value: float) -> str:
    """Return a metric's value with decimals by its size alone, so that a column of them lines up.

    >>> score(0.9), score(-0.00021), score(532.18), score(3987.1)
    ('0.9000', '-0.0002', '532.2', '3,987')
    """
    size = abs(value)
    if not math.isfinite(value) or 0 < size < 1e-4:
        return number(value)
    return f"{value:.4f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Return the ticks as text, all with as many decimals as the finest needs.

    >>> tick_labels([0.0, 0.5, 1.0]), tick_labels([1000, 2000]), tick_labels([0.0001, 0.01, 1.0])
    (['0.0', '0.5', '1.0'], ['1,000', '2,000'], ['0.0001', '0.01', '1'])
    """
    if not ticks:
        return []
    largest, smallest = max(abs(tick) for tick in ticks), min((abs(t) for t in ticks if t), default=0.0)
    if smallest and (smallest < 1e-4 or largest >= 1e6):
        return ["0" if tick == 0 else f"{tick:.0e}".replace("e-0", "e-").replace("e+0", "e") for tick in ticks]
    texts = [f"{tick:.6f}".rstrip("0").rstrip(".") for tick in ticks]
    even = len(ticks) < 3 or math.isclose(ticks[1] - ticks[0], ticks[2] - ticks[1], rel_tol=1e-6)
    decimals = max(len(text.partition(".")[2]) for text in texts)
    return [f"{tick:,.{decimals}f}" if even else text for tick, text in zip(ticks, texts, strict=True)]
