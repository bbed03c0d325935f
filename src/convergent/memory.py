"""What becomes of memory that was freed: glibc keeps it for the next step, and gives it back where a phase ends.

By default glibc maps every large block anew and unmaps it when it is freed. A training step frees and takes the same
hundreds of megabytes each time, so the kernel spends a share of the step clearing pages. What is kept for good has a
price too: blocks of other sizes, of an evaluation or an experiment, do not fit and come on top.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGE = 2**31 - 1
PADDING = 2**26


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
