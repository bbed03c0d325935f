"""Give freed memory back: what training has freed, and what an experiment takes beside it, would add up.

glibc keeps freed blocks for the next that fit. An experiment's tensors have other sizes than a step's, so they come on
top of a peak that is over.
"""

from __future__ import annotations

import ctypes
import sys


def give_back_freed_memory() -> bool:
    """Hand free pages to the system; return whether there were any, and a C library that does it.

    >>> give_back_freed_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL("libc.so.6").malloc_trim(0))
    except (OSError, AttributeError):
        return False
