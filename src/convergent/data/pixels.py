"""From a listing to pixels that can be taken: decoded, and all of one geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from convergent.config import Config
from convergent.data import image_files
from convergent.data.bad import enforce_limit
from convergent.data.cache import digest
from convergent.data.decode import Geometry, cover
from convergent.data.listing import Listing
from convergent.types import Refusal

LARGEST_NATIVE_SIDE = 96
LARGEST_SIDE = 224


class Pixels(Protocol):
    """Where images come from: an array in memory, or files that are decoded when asked for."""

    @property
    def decoded(self) -> bool:
        """True where no decoding is left to do."""
        ...

    def take(self, rows: np.ndarray) -> Tensor:
        """Return the images of `rows` as uint8 (B, H, W, C)."""
        ...


@dataclass(frozen=True)
class ArrayPixels:
    """Images in an array (N, H, W, C), in memory or memory-mapped."""

    array: np.ndarray
    decoded: bool = True

    def take(self, rows: np.ndarray) -> Tensor:
        """Return the images of `rows` as uint8 (B, H, W, C)."""
        return torch.from_numpy(self.array).index_select(0, torch.from_numpy(rows))


def choose_geometry(grey: bool, size: tuple[int, int], uniform: bool, image_size: int | None) -> Geometry:
    """Return what images are brought to: the size asked for; their own if it is small and the same for all; else a
    square of at most 224 pixels.

    >>> choose_geometry(True, (28, 28), True, None), choose_geometry(False, (375, 500), True, None)
    (Geometry(channels=1, height=28, width=28), Geometry(channels=3, height=224, width=224))
    """
    channels = 1 if grey else 3
    if image_size is not None:
        return Geometry(channels, image_size, image_size)
    if uniform and max(size) <= LARGEST_NATIVE_SIDE:
        return Geometry(channels, *size)
    side = max(8, min(LARGEST_SIDE, *size))
    return Geometry(channels, side, side)


class Opened(NamedTuple):
    """Pixels ready to take, what was done to their size, the rows of use, what is refused, and a digest of it all."""

    pixels: Pixels
    geometry: Geometry
    resize: Literal["none", "cover"]
    usable: np.ndarray
    refused: tuple[Refusal, ...]
    content: str


def open_pixels(listing: Listing, config: Config, geometry: Geometry | None) -> Opened:
    """Return the listing's images brought to `geometry`, or to the one that fits them.

    Raises UserError where too many cannot be read.
    """
    if listing.paths is None:
        return _open_arrays(listing, config, geometry)
    found = image_files.scan(listing.paths)
    refuse(listing, found.bad, config)
    wanted = geometry or choose_geometry(found.grey, found.size, found.uniform, config.image_size)
    array, damaged = image_files.decode_all(listing.paths, found.content, wanted, config.cache_gigabytes)
    pixels = image_files.FilePixels(listing.paths, wanted) if array is None else ArrayPixels(array)
    resize: Literal["none", "cover"] = "none" if found.uniform and found.size == wanted[1:] else "cover"
    usable = np.setdiff1d(np.arange(len(listing.names)), np.array([row for row, _ in damaged], dtype=np.int64))
    return Opened(pixels, wanted, resize, usable, refuse(listing, damaged, config), found.content)


def refuse(listing: Listing, bad: Sequence[tuple[int, str]], config: Config) -> tuple[Refusal, ...]:
    """Return what the listing refused and the `bad` rows; raises UserError where that is beyond the limit."""
    refused = [*listing.refused, *(Refusal(where=listing.names[row], reason=reason) for row, reason in bad)]
    return enforce_limit(refused, len(listing.names) + len(listing.refused), config.max_bad)


def _open_arrays(listing: Listing, config: Config, geometry: Geometry | None) -> Opened:
    parts = listing.pixels or ()
    array = parts[0] if len(parts) == 1 else np.concatenate(parts)
    height, width, channels = array.shape[1:]
    wanted = geometry or choose_geometry(channels == 1, (height, width), True, config.image_size)
    resize: Literal["none", "cover"] = "none" if (height, width) == wanted[1:] else "cover"
    if channels != wanted.channels:
        array = _to_channels(array, wanted.channels)
    if resize == "cover":
        slices = np.array_split(array, -(-len(array) // 500))
        array = np.concatenate([cover(torch.from_numpy(part), wanted).numpy() for part in slices])
    content = digest(*(part.tobytes() for part in parts))
    return Opened(ArrayPixels(array), wanted, resize, np.arange(len(array)), refuse(listing, [], config), content)


def _to_channels(array: np.ndarray, channels: int) -> np.ndarray:
    """Return images (N, H, W, C) with grey repeated as colours, or colours weighed to grey (ITU-R 601, as Pillow)."""
    if channels == 3:
        return np.repeat(array, 3, axis=3)
    return np.round(array @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.uint8)[..., None]
