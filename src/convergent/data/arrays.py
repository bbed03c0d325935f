"""Images that already are arrays: IDX files (http://yann.lecun.com/exdb/mnist) and npz.

Files come from strangers: nothing is unpickled, and a header that claims more than the file can hold is refused
before memory is taken (deflate shrinks by 1,032 at most).
"""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.format import read_magic

from convergent.config import nearest
from convergent.types import UserError

MAX_DEFLATE = 1032
# RuntimeError: encrypted, or packed in a way that is unknown here.
DAMAGED = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """Return the array of an IDX file, gzipped or not; raises UserError where it is truncated or no IDX file."""
    opener = gzip.open if path.suffix == ".gz" else open
    growth = MAX_DEFLATE if path.suffix == ".gz" else 1
    try:
        with opener(path, "rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros or kind not in IDX_TYPES or not 1 <= dimensions <= 4:
                raise UserError(f"{path}: is not an IDX file (its first bytes are wrong).")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            dtype = np.dtype(IDX_TYPES[kind])
            size = _bytes(shape, dtype)
            content = file.read(size) if size <= path.stat().st_size * growth else b""
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise UserError(f"{path}: the file is truncated or damaged ({error}). Fetch it again.") from None
    if len(content) != size:
        raise UserError(f"{path}: the file is truncated: {shape} needs {size} bytes. Fetch it again.")
    return np.frombuffer(bytearray(content), dtype=dtype).reshape(shape)


def npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a npz file's arrays without reading them; raises UserError for a damaged file."""
    return {name: shape for name, (shape, _) in _headers(path).items()}


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a npz file; raises UserError where one is damaged or holds Python objects (pickles)."""
    for name, (shape, dtype) in _headers(path).items():
        if dtype.hasobject:
            raise UserError(f"{path}: array `{name}` holds Python objects, which are not read. Save numbers or text.")
        if _bytes(shape, dtype) > path.stat().st_size * MAX_DEFLATE:
            raise UserError(f"{path}: array `{name}` claims the shape {shape}, more than the file can hold.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except DAMAGED as error:
        raise _damaged(path, error) from None


def _headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    headers = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    version = read_magic(file)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = read(file)
                headers[name.removesuffix(".npy")] = (shape, dtype)
    except DAMAGED as error:
        raise _damaged(path, error) from None
    return headers


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: is not a complete npz file ({' '.join(str(error).split())}). Save it again.")


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    size = dtype.itemsize
    for length in shape:
        size *= int(length)
    return size


def named(arrays: dict[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    """Return the array called `name`; raises UserError with the nearest name where there is none."""
    if name not in arrays:
        raise UserError(
            f"{path}: there is no array `{name}`.{nearest(name, list(arrays))} It holds: {', '.join(arrays)}."
        )
    return arrays[name]


def to_pixels(array: np.ndarray, where: str) -> np.ndarray:
    """Return images as uint8 (N, H, W, C) with 1 or 3 channels; raises UserError for shapes and values of no image.

    Floats lie in 0..1 or 0..255, integers in 0..255 or 0..65535; (N, H, W), (N, H, W, C) and (N, C, H, W) are known.

    >>> to_pixels(np.ones((2, 3, 8, 8)), "x").shape, to_pixels(np.ones((2, 8, 8)), "x").max()
    ((2, 8, 8, 3), np.uint8(255))
    """
    if array.dtype == np.bool_:
        array = array * np.uint8(255)
    if array.dtype.kind not in "uif" or not looks_like_images(array.shape) or not array.size:
        raise UserError(f"{where}: {array.dtype} {array.shape} is no array of images: (N, H, W) or (N, H, W, C).")
    if array.ndim == 3:
        array = array[..., None]
    elif array.shape[3] not in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(_to_uint8(array[..., :3], where))


def looks_like_images(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape may hold images, grey or with 1, 3 or 4 channels first or last.

    >>> looks_like_images((60_000, 28, 28)), looks_like_images((150, 4))
    (True, False)
    """
    if len(shape) == 3:
        return min(shape[1:]) >= 4
    return len(shape) == 4 and (
        (shape[3] in (1, 3, 4) and min(shape[1:3]) >= 4) or (shape[1] in (1, 3, 4) and min(shape[2:]) >= 4)
    )


def _to_uint8(array: np.ndarray, where: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min()), float(array.max())
    if not 0 <= low <= high <= 65_535 or (array.dtype.kind == "f" and high > 255):
        raise UserError(f"{where}: values from {low:g} to {high:g} are no pixels. Give 0..255 (uint8) or 0..1 (float).")
    if array.dtype.kind == "f":
        return np.round(array * (255 if high <= 1 else 1)).astype(np.uint8)
    return (array >> 8 if high > 255 else array).astype(np.uint8)
