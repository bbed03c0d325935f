"""Decoded arrays on disk, memory-mapped, keyed by the content of what they were decoded from.

Two steps find an entry. The digest of all bytes is the key, so that a copy of the data elsewhere finds it and a
changed file does not. Reading all bytes at every start would cost as much as the training of a small network, so the
digest is remembered under the files' paths, sizes and times of change (what make, rsync and git go by).
An entry is a folder that is renamed into place when it is complete: whoever is killed leaves nothing half-written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convergent.config import cache_folder
from convergent.types import UserError

UNFINISHED = ".part-"
WRITER = "convergent-cache"
ABANDONED_SECONDS = 24 * 3600
"""Whoever is killed while decoding leaves a folder; no decoding takes a day."""
Fill = Callable[[np.ndarray], dict[str, Any]]


def digest(*parts: bytes | str) -> str:
    """Return 32 hexadecimal digits that stand for `parts`, in their order.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        state.update(len(content).to_bytes(8, "little"))
        state.update(content)
    return state.hexdigest()


def stamp(paths: Sequence[Path]) -> str:
    """Return a digest of paths, sizes and times of change: the same as long as nobody touched the files.

    The time of a change of the inode is part of it: unlike the time of modification no program sets it back.
    """
    lines = []
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            lines.append(f"{path} {error.errno}")
            continue
        lines.append(f"{path} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}")
    return digest("\n".join(lines))


def remembered(name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON record kept under `name`, computed where there is none or it cannot be read."""
    path = cache_folder() / "records" / f"{name}.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record
    except (OSError, ValueError):
        record = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise _not_writable(error) from error
    return record


def cached_array(
    key: str, shape: tuple[int, ...], gigabytes: float, fill: Fill
) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Return the uint8 array kept under `key`, memory-mapped, and the record that `fill` returned with it.

    `fill` gets the empty array once. Older entries make room; None where the array is larger than the bound or
    than the free disk: then it is to be decoded on demand.
    """
    folder = cache_folder() / "arrays" / key
    try:
        if (folder / "record.json").is_file():
            record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            os.utime(folder)
            return _mapped(folder), record
        _wait_for_writers()  # what is being written counts too
        if not _make_room(folder.parent, int(np.prod(shape, dtype=np.int64)), int(gigabytes * 2**30)):
            return None
        return _write_entry(folder, shape, fill)
    except OSError as error:
        raise _not_writable(error) from error


def _mapped(folder: Path) -> np.ndarray:
    # Copy on write: torch wants memory it may write to, and nobody may write to the cache.
    array: np.ndarray = np.load(folder / "array.npy", mmap_mode="c", allow_pickle=False)
    return array


def _write_entry(folder: Path, shape: tuple[int, ...], fill: Fill) -> tuple[np.ndarray, dict[str, Any]]:
    temporary = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        array = np.lib.format.open_memmap(temporary / "array.npy", mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary / "array.npy")
        record = fill(array)
        del array
        text = json.dumps(record)
        (temporary / "record.json").write_text(text, encoding="utf-8")
        mapped = _mapped(temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    # The disk takes as long as a third of the decoding; what is mapped can be read meanwhile.
    threading.Thread(target=_put_in_place, args=(temporary, folder), name=WRITER).start()
    return mapped, json.loads(text)


def _wait_for_writers() -> None:
    for thread in threading.enumerate():
        if thread.name == WRITER:
            thread.join()


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Write an entry to the disk, then give it its name; where that fails there is no entry, and no harm."""
    try:
        with (temporary / "array.npy").open("rb") as file:
            os.fsync(file.fileno())
        if not folder.exists():
            temporary.replace(folder)
    except OSError:
        pass
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _reserve(path: Path) -> None:
    """Allocate the file's blocks now: a disk that fills up later would kill the process with SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _make_room(folder: Path, size: int, bound: int) -> bool:
    """Remove the entries used longest ago until `size` bytes more stay within `bound`; False where they cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    if size > bound:
        return False
    for left in folder.glob(f"{UNFINISHED}*"):
        if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name[0] != "."), key=lambda entry: entry.stat().st_mtime
    )
    sizes = {entry: sum(file.stat().st_size for file in entry.iterdir()) for entry in entries}
    total = sum(sizes.values())
    for entry in entries:
        if total + size <= bound:
            break
        shutil.rmtree(entry, ignore_errors=True)
        total -= sizes[entry]
    return size <= shutil.disk_usage(folder).free * 0.95


def _not_writable(error: OSError) -> UserError:
    return UserError(
        f"{cache_folder()}: the cache cannot be used ({error.strerror or error}). "
        "Make room, or put it elsewhere with the environment variable CONVERGENT_CACHE."
    )
