"""What a source of images holds, as one list: where each image is, its class, its split. Nothing is decoded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convergent.config import nearest
from convergent.data.source import Source, class_folders, is_image, walk_files
from convergent.types import Refusal, UserError

UNKNOWN = -1


@dataclass(frozen=True)
class Listing:
    """Images in a fixed order. Either `paths` or `pixels` (uint8, NHWC, one array a part) says where they are.

    names    what a person calls each
    labels   index into `classes` of each (int64), UNKNOWN where the source has none
    parts    the rows of each split, or {"all": every row}
    target   what the label is called
    groups   what must stay in one split, or None
    refused  what was left out already
    """

    names: Sequence[str]
    labels: np.ndarray
    classes: list[str]
    parts: dict[str, np.ndarray]
    target: str
    paths: tuple[Path, ...] | None = None
    pixels: tuple[np.ndarray, ...] | None = None
    groups: np.ndarray | None = None
    refused: tuple[Refusal, ...] = ()


def list_class_folders(source: Source) -> Listing:
    """Return the images under class folders; other files are refused, with their names."""
    paths: list[Path] = []
    names: list[str] = []
    labels: list[str] = []
    refused: list[Refusal] = []
    parts = {}
    for split, (root,) in source.parts.items():
        start, base = len(paths), root.parent if len(source.parts) > 1 else root
        for folder in class_folders(root):
            for path in walk_files(folder):
                name = path.relative_to(base).as_posix()
                if not is_image(path):
                    refused.append(Refusal(where=name, reason="is no image by its name"))
                    continue
                paths.append(path)
                names.append(name)
                labels.append(folder.name)
        parts[split] = np.arange(start, len(paths))
    classes = in_order({folder.name for (root,) in source.parts.values() for folder in class_folders(root)})
    codes = code_labels(labels, classes, source.address)
    return Listing(names, codes, classes, parts, "folder", paths=tuple(paths), refused=tuple(refused))


def list_loose_images(source: Source) -> Listing:
    """Return image files without classes, called by their paths."""
    paths = source.parts["all"]
    names = [str(path) for path in paths]
    return Listing(names, np.full(len(paths), UNKNOWN), [], {"all": np.arange(len(paths))}, "class", paths=paths)


def code_labels(labels: Sequence[str], classes: Sequence[str], where: str) -> np.ndarray:
    """Return the index in `classes` of each label; raises UserError for one that is not among them.

    >>> code_labels(["dog", "cat"], ["cat", "dog"], "photos").tolist()
    [1, 0]
    """
    codes = {name: code for code, name in enumerate(classes)}
    unknown = next((label for label in labels if label not in codes), None)
    if unknown is not None:
        raise UserError(f"{where}: the class `{unknown}` is not known.{nearest(unknown, list(classes))}")
    return np.array([codes[label] for label in labels], dtype=np.int64)


def in_order(names: set[str]) -> list[str]:
    """Return class names sorted: as numbers where all are.

    >>> in_order({"10", "2"}), in_order({"b", "a"})
    (['2', '10'], ['a', 'b'])
    """
    return sorted(names, key=lambda name: (int(name), name)) if all(map(str.isdecimal, names)) else sorted(names)
