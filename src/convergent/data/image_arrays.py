"""Images that already are arrays, as a listing: npz with `x` and `y`, alone or one a split, and IDX pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convergent.config import Config
from convergent.data import arrays
from convergent.data.listing import UNKNOWN, Listing, code_labels, in_order
from convergent.data.source import SPLIT_NAMES, Source
from convergent.types import UserError

IMAGES, LABELS, CLASSES = "x", "y", "classes"


class Piece(NamedTuple):
    """The images (N, H, W, C) and labels (N,) of one split, under the name of the array or file."""

    split: str
    name: str
    pixels: np.ndarray
    labels: np.ndarray | None


def list_npz(source: Source, config: Config, *, labelled: bool) -> Listing:
    """Return the images of a npz file: `x` and `y`, or `x_train`, `y_train`, ..., and perhaps the names `classes`.

    Raises UserError for arrays that are missing (labels only where `labelled`), damaged or of shapes that do not fit.
    """
    (path,) = source.parts["all"]
    content = arrays.read_npz(path)
    label_name = config.target or LABELS
    endings = {name.removeprefix(f"{IMAGES}_") for name in content if name.startswith(f"{IMAGES}_")}
    splits = {f"_{ending}": SPLIT_NAMES[ending] for ending in sorted(endings) if ending in SPLIT_NAMES}
    pieces = []
    for ending, split in (splits or {"": "all"}).items():
        name = IMAGES + ending
        pixels = arrays.to_pixels(arrays.named(content, name, path), f"{path}: array `{name}`")
        wanted = labelled or label_name + ending in content
        labels = _labels(content, label_name + ending, len(pixels), path) if wanted else None
        pieces.append(Piece(split, name, pixels, labels))
    given = [str(name) for name in content[CLASSES].ravel().tolist()] if CLASSES in content else None
    return _listing(source, pieces, given, label_name)


def _labels(content: dict[str, np.ndarray], name: str, count: int, path: Path) -> np.ndarray:
    values = arrays.named(content, name, path)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,):
        raise UserError(f"{path}: array `{name}` has the shape {values.shape}; there are {count} images.")
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.round(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind not in "iuUb":
        raise UserError(f"{path}: array `{name}` ({values.dtype}) holds no classes. Give whole numbers or names.")
    return values


def list_idx(source: Source, *, labelled: bool) -> Listing:
    """Return the images of IDX files; raises UserError where one is damaged or, if `labelled`, labels are missing."""
    pieces = []
    for split, (images_path, *labels_path) in source.parts.items():
        pixels = arrays.to_pixels(arrays.read_idx(images_path), str(images_path))
        labels = arrays.read_idx(labels_path[0]) if labels_path else None
        if labels is None and labelled:
            raise UserError(f"{images_path}: the file of labels is missing beside it.")
        if labels is not None and (labels.shape != (len(pixels),) or labels.dtype.kind not in "iu"):
            raise UserError(f"{labels_path[0]}: holds {labels.dtype} {labels.shape}; there are {len(pixels)} images.")
        pieces.append(Piece(split, images_path.name, pixels, labels))
    return _listing(source, pieces, None, "label")


def _listing(source: Source, pieces: Sequence[Piece], given: list[str] | None, target: str) -> Listing:
    """Return the listing of pieces; labels are numbers of the `given` class names, or stand for themselves."""
    if len({piece.pixels.shape[1:] for piece in pieces}) > 1:
        raise UserError(f"{source.address}: the splits hold images of different shapes.")
    labels = [piece.labels for piece in pieces if piece.labels is not None]
    classes = given or in_order({str(value) for part in labels for value in np.unique(part).tolist()})
    codes, parts, names, start = [], {}, [], 0
    for piece in pieces:
        count = len(piece.pixels)
        parts[piece.split] = np.arange(start, start + count)
        start += count
        names += [f"{piece.name}[{row}]" for row in range(count)]
        known = piece.labels is not None
        codes.append(_codes(piece.labels, classes, given, source) if known else np.full(count, UNKNOWN))  # type: ignore[arg-type]
    pixels = tuple(piece.pixels for piece in pieces)
    return Listing(names, np.concatenate(codes), classes, parts, target, pixels=pixels)


def _codes(labels: np.ndarray, classes: list[str], given: list[str] | None, source: Source) -> np.ndarray:
    distinct, inverse = np.unique(labels, return_inverse=True)
    if given is None or labels.dtype.kind == "U":
        return code_labels([str(value) for value in distinct.tolist()], classes, source.address)[inverse]
    wrong = distinct[(distinct < 0) | (distinct >= len(given))]
    if len(wrong):
        raise UserError(f"{source.address}: the label {wrong[0]} is none of the {len(given)} names in `{CLASSES}`.")
    return labels.astype(np.int64)
