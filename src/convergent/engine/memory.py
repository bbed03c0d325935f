"""Keep freed memory for the next step: what glibc gives back to the system is faulted in again page by page.

By default glibc maps every large block anew and unmaps it when it is freed. A training step frees and takes the same
hundreds of megabytes each time, so the kernel spends a share of the step clearing pages.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGE = 2**31 - 1
PADDING = 2**26


def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed; return whether it was there to be told.

    >>> keep_freed_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGE), (M_TOP_PAD, PADDING))
    return all(mallopt(name, value) == 1 for name, value in settings)
