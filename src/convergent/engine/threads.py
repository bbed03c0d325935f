"""How many threads are free: torch takes every core, and two such runs side by side slow each other many times over.

Each run holds a locked file while it lives; a lock goes with its process, however that ends.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from pathlib import Path
from typing import IO

from convergent.config import cache_folder

_claim: IO[str] | None = None


def claim_core_share() -> None:
    """Announce this process to others on the machine, until it ends; where the folder can't be written, do nothing."""
    global _claim  # noqa: PLW0603  (the open file is the lock, and lives as long as the process)
    if _claim is not None:
        return
    try:
        folder = cache_folder() / "running"
        folder.mkdir(parents=True, exist_ok=True)
        _claim = (folder / str(os.getpid())).open("w")
        atexit.register(_claim.close)
        fcntl.flock(_claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _claim = None


def other_runs() -> int:
    """Return how many other runs are alive on this machine; what dead ones left is removed."""
    folder = cache_folder() / "running"
    return sum(_alive(path) for path in folder.glob("*") if path.name != str(os.getpid()))


def _alive(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    path.unlink(missing_ok=True)
    return False


def free_threads() -> int:
    """Return this run's share of the cores it may use, at least one.

    >>> free_threads() >= 1
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit() and int(limit) > 0:
        cores = min(cores, int(limit))
    return max(1, cores // (1 + other_runs()))
