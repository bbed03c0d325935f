"""One image file to pixels: any mode, any orientation, brought to the given channels, height and width.

Files come from strangers: size in bytes and in pixels is bounded before anything is decoded.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MAX_FILE_BYTES = 2**28
GREY_MODES = frozenset(["1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"])
ORIENTATION = 0x0112
PNG_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
# Pillow only warns of an image of 90 to 180 megapixels; here that is one more bad file, refused with its name.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class BadImageError(Exception):
    """An image file that cannot be used; the message is the reason."""


class Header(NamedTuple):
    """What a file says of its image before it is decoded; height and width as a person sees it (EXIF applied)."""

    grey: bool
    height: int
    width: int


class Geometry(NamedTuple):
    """What images are brought to. Where the shape differs: scaled to cover it, then cut around the centre."""

    channels: int
    height: int
    width: int


def read_bytes(path: Path) -> bytes:
    """Return the content of an image file; raises BadImageError where it is empty, too large or cannot be read."""
    try:
        size = path.stat().st_size
        if size == 0:
            raise BadImageError("the file is empty")
        if size > MAX_FILE_BYTES:
            raise BadImageError(f"the file is larger than {MAX_FILE_BYTES >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise BadImageError(f"cannot be read ({error.strerror or error})") from None


def read_header(content: bytes) -> Header:
    """Return mode and size without decoding; raises BadImageError where it is no image."""
    image = _open(content)
    width, height = image.size
    if _may_be_turned(image, content) and image.getexif().get(ORIENTATION, 1) >= 5:
        width, height = height, width
    return Header(image.mode in GREY_MODES, height, width)


def decode(content: bytes, geometry: Geometry) -> Tensor:
    """Return the image as uint8 (H, W, C); raises BadImageError where it is damaged or truncated."""
    image = _open(content)
    try:
        image.draft(None, _enough(image.size, geometry))
        if _may_be_turned(image, content):
            ImageOps.exif_transpose(image, in_place=True)
        pixels = np.array(_to_mode(image, "L" if geometry.channels == 1 else "RGB"))
    except BadImageError:
        raise
    except Exception as error:  # Pillow's plugins raise almost anything on damaged files
        raise BadImageError(_reason(error)) from None
    image_HWC = torch.from_numpy(pixels).view(*pixels.shape[:2], geometry.channels)
    return cover(image_HWC[None], geometry)[0]


def cover(images_BHWC: Tensor, geometry: Geometry) -> Tensor:
    """Return uint8 images (B, H, W, C) scaled, with antialiasing, to cover the geometry, and cut around the centre.

    >>> cover(torch.zeros(2, 30, 40, 3, dtype=torch.uint8), Geometry(3, 16, 16)).shape
    torch.Size([2, 16, 16, 3])
    """
    height, width = images_BHWC.shape[1:3]
    if (height, width) == (geometry.height, geometry.width):
        return images_BHWC
    scale = max(geometry.height / height, geometry.width / width)
    size = [max(geometry.height, round(height * scale)), max(geometry.width, round(width * scale))]
    scaled_BCHW = F.interpolate(images_BHWC.permute(0, 3, 1, 2), size=size, mode="bilinear", antialias=True)
    top, left = (size[0] - geometry.height) // 2, (size[1] - geometry.width) // 2
    cut_BCHW = scaled_BCHW[:, :, top : top + geometry.height, left : left + geometry.width]
    return cut_BCHW.permute(0, 2, 3, 1).contiguous()


def _may_be_turned(image: Image.Image, content: bytes) -> bool:
    """Return whether to ask for the orientation: for a PNG that costs decoding it, and it seldom has one."""
    if image.format == "JPEG":
        return "exif" in image.info or "xmp" in image.info
    return image.format != "PNG" or any(mark in content for mark in PNG_ORIENTATION)


def _open(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImageError(f"more than {Image.MAX_IMAGE_PIXELS} pixels") from None
    except Exception as error:
        raise BadImageError(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not an image, or damaged"
    return f"damaged ({' '.join(str(error).split()) or type(error).__name__})"


def _enough(size: tuple[int, int], geometry: Geometry) -> tuple[int, int]:
    """Return the (width, height) below which the JPEG decoder must not scale: it skips what would be thrown away."""
    scale = max(geometry.width, geometry.height) / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in mode L or RGB: 16 bits scaled to 8, transparency laid over white."""
    if image.mode == mode:
        return image
    if image.mode == "F":
        raise BadImageError("pixels are 32-bit floats; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image)
        values = values >> 8 if image.mode.startswith("I;16") or values.max() > 255 else values
        image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
