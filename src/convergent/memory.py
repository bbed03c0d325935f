"""What becomes of memory that was freed: glibc keeps it for the next step, and gives it back where a phase ends.

By default glibc maps every large block anew and unmaps it when it is freed. A training step frees and takes the same
hundreds of megabytes each time, so the kernel spends a share of the step clearing pages. What is kept for good has a
price too: blocks of other sizes, of an evaluation or an experiment, do not fit and come on top; and where every batch
has another length, as a translator's, no hole fits the next and the heap grows without an end.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convergent.types import EvalRecord, StepRecord

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4
LARGE = 2**31 - 1
PADDING = 2**26
LARGE_BLOCK, LARGEST_THRESHOLD = 2**20, 2**25
"""What is mapped apart where memory counts; and where glibc's own threshold ends up once large blocks were freed."""

CHECKED_EVERY = 15.0
GROWTH, LEAST_GROWTH = 1.25, 2**28
"""What is resident may grow to so many times what the steps needed, and by so many bytes, before holes are given up."""


def _glibc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6") if sys.platform.startswith("linux") else None
    except OSError:
        return None


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it was there to be told.

    >>> keep_freed_memory() in (True, False)
    True
    """
    libc = _glibc()
    if libc is None or not hasattr(libc, "mallopt"):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGE), (M_TOP_PAD, PADDING))
    return all(libc.mallopt(name, value) == 1 for name, value in settings)


def give_back_freed_memory() -> bool:
    """Hand all free pages to the system; return whether there were any, and a C library that does it.

    >>> give_back_freed_memory() in (True, False)
    True
    """
    libc = _glibc()
    return libc is not None and hasattr(libc, "malloc_trim") and bool(libc.malloc_trim(0))


@contextmanager
def large_blocks_apart() -> Iterator[None]:
    """Let large blocks leave no holes for as long as this lasts: each is mapped for itself and unmapped when freed.

    For a phase that needs the blocks of a step before it, of the same sizes but in another order: from the heap, those
    that do not fit the holes come on top. It costs the clearing of their pages. Whoever has set the threshold for the
    process keeps it.

    >>> with large_blocks_apart():
    ...     held = bytes(2**21)
    """
    libc = None if "MALLOC_MMAP_THRESHOLD_" in os.environ or "GLIBC_TUNABLES" in os.environ else _glibc()
    if libc is None or not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
    try:
        yield
    finally:
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD)


def resident_bytes() -> int | None:
    """Return how much of this process is in memory; None where the system does not say.

    >>> resident_bytes() is None or resident_bytes() > 0
    True
    """
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE
    except OSError:
        return None


class HoleKeeper:
    """Watches a training's memory, and gives the holes of the heap back where it grows and grows.

    Steps of equal shapes need what they needed before and are left alone: after memory was given back, one wait shows
    what the steps need, and only growth beyond that gives it back again.
    """

    def __init__(self) -> None:
        self.needed: int | None = None
        self.checked = time.monotonic()

    def after_backward(self, step: int) -> None:
        """Nothing: gradients are part of what a step needs."""

    def after_step(self, record: StepRecord) -> None:
        """Look at the memory now and then."""
        now = time.monotonic()
        if now - self.checked < CHECKED_EVERY:
            return
        self.checked = now
        self.look(resident_bytes())

    def after_evaluation(self, record: EvalRecord) -> None:
        """Nothing: the next look sees what it left."""

    def look(self, resident: int | None) -> bool:
        """Return whether memory was given back, for so many bytes that are resident."""
        if resident is None:
            return False
        if self.needed is None:
            self.needed = resident
            return False
        if resident < max(GROWTH * self.needed, self.needed + LEAST_GROWTH):
            return False
        self.needed = None
        return give_back_freed_memory()
