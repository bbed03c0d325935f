"""How fast this machine multiplies matrices: what a plan, and the size of a network for a given time, go by."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache

import torch

from convergent.types import UserError

SMALL, LARGE = 320, 1024
"""Sides of the matrices: a small one takes no second where the arithmetic is emulated, a large one fills the units."""
EMULATED = 1e10
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def device_type(device: str) -> str:
    """Return the kind of device that an option names, where `auto` takes a GPU if there is one.

    Raises UserError where there is no such kind.

    >>> device_type("cpu")
    'cpu'
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(device).type
    except RuntimeError as error:
        raise UserError(f"--device {device}: cannot be used ({str(error).splitlines()[0]}).") from None


def steadied(speed: float) -> float:
    """Return a speed rounded to a power of two: no measurement is twice the same, and two runs shall choose alike.

    >>> steadied(5.0e11) == steadied(6.0e11)
    True
    """
    return float(2.0 ** round(math.log2(max(1.0, speed))))


def peak_speed(device_type: str) -> float:
    """Return the speed of large matrix products in the fastest precision that is not emulated."""
    quick = [one for one in ("float32", "bfloat16") if product_speed(one, device_type) > EMULATED]
    return max((product_speed(one, device_type, LARGE) for one in quick), default=EMULATED)


@cache
def product_speed(precision: str, device_type: str, side: int = SMALL) -> float:
    """Return the measured matrix-product speed in floating-point operations a second; 0 where it does not run."""
    side = LARGE if device_type == "cuda" else side
    try:
        a = torch.ones(side, side, dtype=DTYPES[precision], device=device_type)
        a @ a
        best = min(seconds_of(lambda: a @ a, device_type) for _ in range(9))
    except RuntimeError:
        return 0.0
    return float(2 * side**3 / best)


def seconds_of(call: Callable[[], object], device_type: str) -> float:
    """Return the seconds that a call takes, to the end of what it started on the device."""
    synchronize(device_type)
    start = time.perf_counter()
    call()
    synchronize(device_type)
    return time.perf_counter() - start


def synchronize(device_type: str) -> None:
    """Wait until the device has done all that it was given."""
    if device_type == "cuda":
        torch.cuda.synchronize()
    elif device_type == "mps":
        torch.mps.synchronize()
