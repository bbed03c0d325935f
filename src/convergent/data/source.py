"""What lies at an address: a folder, a file, a glob, a sample, or a remote address, recognised by its layout.

Nothing is decoded here: a Source says where the pieces of each split are and how that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["class_folders", "images", "idx", "npz", "table"]
SPLIT_NAMES = {"train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid",
               "dev": "valid", "test": "test", "testing": "test"}


@dataclass(frozen=True)
class Source:
    """Data that has been found and not yet read.

    address   as the user gave it
    kind      class_folders (root/CLASS/file, perhaps under split folders), images (loose image files, to predict on),
              idx (MNIST-style pairs of files), npz (named arrays), table (csv, tsv, parquet, jsonl)
    parts     the pieces of each split: {"all": [path]} where the data has no split of its own,
              {"train": [...], "valid": [...], "test": [...]} where it has (valid and test may be missing).
              class_folders: the folder that holds the class folders. images: the files. idx: images file, labels file.
              npz, table: files.
    reason    how it was recognised, as a clause: "class folders `cat`, `dog` under train/ and test/"
    """

    address: str
    kind: Kind
    parts: dict[str, tuple[Path, ...]]
    reason: str


def open_source(address: str) -> Source:
    """Return what lies at `address`; raises UserError where there is nothing, or nothing that can be recognised."""
    raise NotImplementedError
