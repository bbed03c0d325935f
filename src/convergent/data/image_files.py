"""Many image files: looked at once, decoded once, in parallel threads (the decoders release Python's lock)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from convergent.data.cache import cached_array, digest, remembered, stamp
from convergent.data.decode import BadImageError, Geometry, decode, read_bytes, read_header
from convergent.types import UserError

SLICE = 64
# So few files are decoded into memory at once: a prediction leaves no trace in the cache, and needs none.
FEW, FEW_BYTES = 512, 2**27


class Scan(NamedTuple):
    """What the headers of all files say together.

    content   a digest of all bytes, in order
    grey      whether no image has colours
    size      (height, width) where it is the same for all, else the median of the shorter sides, twice
    uniform   whether it is the same for all
    bad       [row, reason] of the files that are no images
    """

    content: str
    grey: bool
    size: tuple[int, int]
    uniform: bool
    bad: list[tuple[int, str]]


@dataclass(frozen=True)
class FilePixels:
    """Images that are decoded when they are asked for, because the cache does not hold them."""

    paths: Sequence[Path]
    geometry: Geometry
    decoded: bool = False

    def take(self, rows: np.ndarray) -> Tensor:
        """Return the images of `rows` as uint8 (B, H, W, C); raises UserError where a file has gone or changed."""
        images = []
        for row in rows.tolist():
            try:
                images.append(decode(read_bytes(self.paths[row]), self.geometry))
            except BadImageError as error:
                raise UserError(f"{self.paths[row]}: {error}. It was readable before; put it back.") from None
        return torch.stack(images) if images else torch.empty((0, *_shape(self.geometry)), dtype=torch.uint8)


def scan(paths: Sequence[Path]) -> Scan:
    """Return what lies in image files, read from the disk only when one of them has changed since the last time."""
    record = _scan(paths) if len(paths) <= FEW else remembered(f"scan-{stamp(paths)}", lambda: _scan(paths))
    bad = [(int(row), str(reason)) for row, reason in record["bad"]]
    height, width = record["size"]
    return Scan(record["content"], record["grey"], (height, width), record["uniform"], bad)


def _scan(paths: Sequence[Path]) -> dict[str, Any]:
    digests: list[bytes | str] = [""] * len(paths)
    headers: dict[int, tuple[bool, int, int]] = {}

    def look(row: int) -> None:
        content = read_bytes(paths[row])
        digests[row] = digest(content)
        headers[row] = read_header(content)

    bad = _for_each(len(paths), look)
    sizes = np.array([header[1:] for header in headers.values()], dtype=np.int64).reshape(-1, 2)
    uniform = len(sizes) > 0 and bool((sizes == sizes[0]).all())
    median = int(np.median(sizes.min(1))) if len(sizes) else 1
    return {
        "content": digest(*digests),
        "grey": all(grey for grey, _, _ in headers.values()),
        "size": sizes[0].tolist() if uniform else [median, median],
        "uniform": uniform,
        "bad": bad,
    }


def decode_all(
    paths: Sequence[Path], content: str, geometry: Geometry, gigabytes: float
) -> tuple[np.ndarray | None, list[tuple[int, str]]]:
    """Return (images (N, H, W, C) memory-mapped, [row, reason] of the damaged ones); None where the cache is too small.

    In that case too every file is decoded once, and the outcome remembered: a damaged file must show before the
    training, not in the middle of it.
    """
    key = digest(content, *map(str, geometry))

    def fill(array: np.ndarray) -> dict[str, Any]:
        def put(row: int) -> None:
            array[row] = decode(read_bytes(paths[row]), geometry).numpy()

        return {"bad": _for_each(len(paths), put)}

    def try_all() -> dict[str, Any]:
        return {"bad": _for_each(len(paths), lambda row: decode(read_bytes(paths[row]), geometry))}

    shape = (len(paths), *_shape(geometry))
    if len(paths) <= FEW and np.prod(shape) <= FEW_BYTES:
        in_memory = np.zeros(shape, dtype=np.uint8)
        return in_memory, fill(in_memory)["bad"]
    found = cached_array(key, shape, gigabytes, fill)
    array, record = found if found is not None else (None, remembered(f"tried-{key}", try_all))
    return array, [(int(row), str(reason)) for row, reason in record["bad"]]


def _shape(geometry: Geometry) -> tuple[int, int, int]:
    return geometry.height, geometry.width, geometry.channels


def _for_each(count: int, work: Callable[[int], object]) -> list[tuple[int, str]]:
    """Call `work` with every row, in parallel; return (row, reason) for those that raise BadImageError."""

    def work_slice(start: int) -> list[tuple[int, str]]:
        bad = []
        for row in range(start, min(start + SLICE, count)):
            try:
                work(row)
            except BadImageError as error:
                bad.append((row, str(error)))
        return bad

    with ThreadPoolExecutor(_num_processors()) as pool:
        return [item for part in pool.map(work_slice, range(0, count, SLICE)) for item in part]


def _num_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
