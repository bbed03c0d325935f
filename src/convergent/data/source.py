"""What lies at an address: a folder, a file, a glob, a sample, or a remote address, recognised by its layout.

Nothing is decoded here: a Source says where the pieces of each split are and how that was seen.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from convergent.config import nearest
from convergent.data.fetch import fetch, is_archive, is_remote, unpack
from convergent.types import UserError

Kind = Literal["class_folders", "images", "idx", "npz", "table", "text_folders", "text"]
SPLIT_NAMES = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid",
    "test": "test", "testing": "test", "t10k": "test",
}  # fmt: skip
IMAGE_SUFFIXES = frozenset([
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm",
])  # fmt: skip
TEXT_SUFFIXES = frozenset([".txt", ".text"])
TABLE_SUFFIXES = frozenset([".csv", ".tsv", ".parquet", ".jsonl"])
IGNORED = frozenset(["__macosx", "thumbs.db", "desktop.ini"])
# Folders of these names hold the parts of one layout (segmentation, detection), not classes.
NOT_CLASSES = frozenset(["images", "masks", "labels", "annotations", "jpegimages", "imagesets"])
LAYOUTS = (
    "class folders of images or .txt files, images, .txt files, IDX, .npz, .csv, .tsv, .parquet, .jsonl, "
    "or an archive of these"
)


@dataclass(frozen=True)
class Source:
    """Data that has been found and not yet read.

    address   as the user gave it
    kind      class_folders (root/CLASS/file, perhaps under split folders), images (loose image files, to predict on),
              idx (MNIST-style pairs of files), npz (named arrays), table (csv, tsv, parquet, jsonl),
              text_folders (root/CLASS/file.txt, perhaps under split folders), text (loose text files)
    parts     the pieces of each split: {"all": [path]} where the data has no split of its own,
              {"train": [...], "valid": [...], "test": [...]} where it has (valid and test may be missing).
              class_folders, text_folders: the folder that holds the class folders. images, text: the files.
              idx: images file, labels file (which may be missing for data to predict on). npz, table: files.
    reason    how it was recognised, as a clause: "class folders `cat`, `dog` under train/ and test/"
    """

    address: str
    kind: Kind
    parts: dict[str, tuple[Path, ...]]
    reason: str


def open_source(address: str) -> Source:
    """Return what lies at `address`; raises UserError where there is nothing, or nothing that can be recognised."""
    if not address.strip():
        raise UserError("the data's address is empty. Give a folder, a file, a glob, sample:NAME or an address.")
    if address.startswith("sample:"):
        return _open_path(address, _sample_path(address.removeprefix("sample:")))
    if is_remote(address):
        return _open_path(address, fetch(address))
    path = Path(address.removeprefix("file://")).expanduser()
    if not path.exists() and any(mark in address for mark in "*?["):
        return _open_glob(address, str(path))
    return _open_path(address, path)


def samples_folder() -> Path:
    """Return the folder of the samples: within the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "samples"
    return installed if installed.is_dir() else package.parents[1] / "samples"


def sample_names() -> list[str]:
    """Return the names that `sample:NAME` takes.

    >>> "fashion" in sample_names()
    True
    """
    return sorted({_sample_name(path) for path in visible(samples_folder()) if path.suffix != ".md"})


def visible(folder: Path) -> list[Path]:
    """Return what `folder` holds, by name, without hidden files and what operating systems leave behind."""
    entries = (entry for entry in folder.iterdir() if not _is_ignored(entry.name))
    return sorted(entries, key=lambda entry: entry.name)


def walk_files(folder: Path) -> Iterator[Path]:
    """Yield all visible files under `folder` at any depth, in the order of their paths; links to folders are left."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_ignored(name))
        yield from (Path(parent, name) for name in sorted(files) if not _is_ignored(name))


def class_folders(folder: Path) -> list[Path]:
    """Return the folders within `folder`, one a class."""
    return [entry for entry in visible(folder) if entry.is_dir()]


def is_image(path: Path) -> bool:
    """Return whether the name is that of an image file.

    >>> is_image(Path("a/B.JPG")), is_image(Path("a.txt"))
    (True, False)
    """
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_text(path: Path) -> bool:
    """Return whether the name is that of a text file."""
    return path.suffix.lower() in TEXT_SUFFIXES


def is_table(path: Path) -> bool:
    """Return whether the name is that of a table."""
    return path.suffix.lower() in TABLE_SUFFIXES


def _is_ignored(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in IGNORED


def _sample_name(path: Path) -> str:
    return path.stem.removesuffix("_TRAIN").removesuffix("_TEST")


def _sample_path(name: str) -> Path:
    found = [path for path in visible(samples_folder()) if _sample_name(path) == name and path.suffix != ".md"]
    if not found:
        known = sample_names()
        raise UserError(f"there is no sample `{name}`.{nearest(name, known)} Samples: {', '.join(known)}.")
    return found[0]


def _open_path(address: str, path: Path) -> Source:
    if path.is_dir():
        return _open_folder(address, path)
    if path.is_file():
        return _open_file(address, path)
    siblings = [entry.name for entry in visible(path.parent)] if path.parent.is_dir() else []
    raise UserError(f"{address}: there is no such file or folder.{nearest(path.name, siblings)}")


def _open_file(address: str, path: Path) -> Source:
    if path.stat().st_size == 0:
        raise UserError(f"{address}: the file is empty.")
    if is_archive(path):
        return _open_folder(address, unpack(path))
    if is_image(path):
        return Source(address, "images", {"all": (path,)}, "one image")
    if path.suffix.lower() == ".npz":
        return Source(address, "npz", {"all": (path,)}, "named arrays")
    if is_text(path):
        return Source(address, "text", {"all": (path,)}, "one text file")
    if is_table(path):
        return Source(address, "table", {"all": (path,)}, f"a table ({path.suffix[1:].lower()})")
    if "ubyte" in path.name:
        return _idx(address, [path]) or _unknown(address, f"`{path.name}` is not the name of IDX images")
    return _unknown(address, f"files of type `{path.suffix or path.name}` are not known")


def _unknown(address: str, why: str) -> Source:
    raise UserError(f"{address}: the layout is not recognised ({why}). Known: {LAYOUTS}.")


def _open_folder(address: str, folder: Path) -> Source:
    """Recognise a folder; one that holds nothing but another folder of folders (as archives do) stands for that."""
    entries = visible(folder)
    if not entries:
        raise UserError(f"{address}: the folder is empty.")
    files = [entry for entry in entries if entry.is_file()]
    folders = [entry for entry in entries if entry.is_dir()]
    return (
        _split_folders(address, folders)
        or _classes(address, folder, folders, files)
        or _idx(address, files)
        or _tables(address, files)
        or _loose_images(address, files)
        or _loose_texts(address, files)
        or _one_file(address, files)
        or (_open_folder(address, folders[0]) if len(folders) == 1 and not files else None)
        or _unknown(address, _contents(entries))
    )


def _in_order(parts: dict[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    return {name: parts[name] for name in ("train", "valid", "test", "all") if name in parts}


def _split_folders(address: str, folders: list[Path]) -> Source | None:
    splits = {SPLIT_NAMES[folder.name.lower()]: folder for folder in folders if folder.name.lower() in SPLIT_NAMES}
    if "train" not in splits or len(splits) < 2:
        return None
    kinds = {_class_kind(folder) for folder in splits.values()}
    kind = kinds.pop() if len(kinds) == 1 else None
    loose = kind is None and all(any(map(is_text, visible(folder))) for folder in splits.values())
    if kind is None and not loose:
        return None
    others = [folder.name for folder in folders if folder not in splits.values()]
    if others:
        raise UserError(f"{address}: `{others[0]}` lies beside `{splits['train'].name}`: it is no split. Move it away.")
    parts = _in_order({name: (folder,) for name, folder in splits.items()})
    where = " and ".join(f"{folder.name}/" for (folder,) in parts.values())
    if kind is None:
        files = {name: tuple(filter(is_text, visible(folder))) for name, (folder,) in parts.items()}
        return Source(address, "text", files, f"text files under {where}")
    return Source(address, kind, parts, f"{_class_names(splits['train'])} under {where}")


def _classes(address: str, folder: Path, folders: list[Path], files: list[Path]) -> Source | None:
    """Recognise class folders; a single folder beside a table holds the images that the table names."""
    kind = _class_kind(folder)
    if kind is None or all(entry.name.lower() in SPLIT_NAMES for entry in folders):
        return None
    if len(folders) == 1 and (any(map(is_table, files)) or not any(map(is_image, visible(folders[0])))):
        return None
    return Source(address, kind, {"all": (folder,)}, _class_names(folder))


def _class_kind(folder: Path) -> Kind | None:
    """Return whether the folders within `folder` hold images or, if none, texts; None where they hold neither."""
    folders = class_folders(folder)
    if not folders or {entry.name.lower() for entry in folders} <= NOT_CLASSES:
        return None
    if any(is_image(path) for entry in folders for path in walk_files(entry)):
        return "class_folders"
    return "text_folders" if any(is_text(path) for entry in folders for path in walk_files(entry)) else None


def _class_names(folder: Path) -> str:
    names = [f"`{entry.name}`" for entry in class_folders(folder)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"class folder{'s' * (len(names) > 1)} {', '.join(names[:3])}{more}"


def _idx(address: str, files: Iterable[Path]) -> Source | None:
    """Recognise MNIST's names: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`."""
    names = {path.name.removesuffix(".gz"): path for path in files}
    parts: dict[str, tuple[Path, ...]] = {}
    for name, path in names.items():
        split = SPLIT_NAMES.get(name.split("-")[0].lower(), "all")
        if "images" in name and "idx3" in name:
            labels = name.replace("images", "labels").replace("idx3", "idx1")
            pair = (names.get(labels) or _beside(path, labels),)
            parts[split] = (path, *(entry for entry in pair if entry is not None))
    parts = _in_order(parts)
    return Source(address, "idx", parts, f"IDX files ({', '.join(parts)})") if parts else None


def _beside(path: Path, name: str) -> Path | None:
    return next((entry for entry in (path.with_name(name), path.with_name(f"{name}.gz")) if entry.is_file()), None)


def _tables(address: str, files: list[Path]) -> Source | None:
    tables = [path for path in files if is_table(path)]
    splits = {SPLIT_NAMES[path.stem.lower()]: path for path in tables if path.stem.lower() in SPLIT_NAMES}
    if "train" in splits:
        parts = _in_order({name: (path,) for name, path in splits.items()})
        return Source(address, "table", parts, f"tables {', '.join(path.name for (path,) in parts.values())}")
    return Source(address, "table", {"all": (tables[0],)}, f"the table {tables[0].name}") if len(tables) == 1 else None


def _loose_images(address: str, files: Iterable[Path]) -> Source | None:
    images = tuple(path for path in files if is_image(path))
    return Source(address, "images", {"all": images}, f"{len(images)} images without classes") if images else None


def _loose_texts(address: str, files: Iterable[Path]) -> Source | None:
    """Recognise text files: by split where they are called train, valid, test; else as one corpus."""
    texts = tuple(path for path in files if is_text(path))
    splits = {SPLIT_NAMES[path.stem.lower()]: path for path in texts if path.stem.lower() in SPLIT_NAMES}
    if "train" in splits and len(splits) > 1:
        parts = _in_order({name: (path,) for name, path in splits.items()})
        return Source(address, "text", parts, f"text files {', '.join(path.name for (path,) in parts.values())}")
    reason = f"{len(texts)} text files" if len(texts) > 1 else "one text file"
    return Source(address, "text", {"all": texts}, reason) if texts else None


def _one_file(address: str, files: list[Path]) -> Source | None:
    arrays = [path for path in files if path.suffix.lower() == ".npz"]
    return _open_file(address, arrays[0]) if len(arrays) == 1 else None


def _contents(entries: list[Path]) -> str:
    """Return why a folder is not recognised, with what it holds."""
    if sum(map(is_table, entries)) > 1:
        return f"it holds several tables, none called train: give one of them, {entries[0].name} say"
    names = ", ".join(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries[:4])
    return f"it holds {names}{', ...' if len(entries) > 4 else ''}"


def _open_glob(address: str, pattern: str) -> Source:
    files = tuple(path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file())  # noqa: PTH207
    if not files:
        raise UserError(f"{address}: no file matches.")
    if len(files) == 1:
        return _open_file(address, files[0])
    if all(map(is_image, files)):
        return Source(address, "images", {"all": files}, f"{len(files)} images without classes")
    if all(map(is_text, files)):
        return _loose_texts(address, files) or _unknown(address, "no text")
    if all(map(is_table, files)):
        return _tables(address, list(files)) or Source(address, "table", {"all": files}, f"{len(files)} tables")
    return _idx(address, files) or _unknown(address, "the glob's files are not all images, all texts or all tables")
