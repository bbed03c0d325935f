"""What a source of images holds, as one list: where each image is, its class, its split. Nothing is decoded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
import polars as pl

from convergent.config import Config, nearest
from convergent.data import arrays
from convergent.data.source import SPLIT_NAMES, Source, class_folders, is_image, walk_files
from convergent.data.table_files import TableFile, read_table_file
from convergent.types import Refusal, UserError

UNKNOWN = -1
SPLIT_COLUMN = "split"


@dataclass(frozen=True)
class Listing:
    """Images in a fixed order. Either `paths` or `pixels` (uint8, NHWC, one array a part) says where they are.

    names    what a person calls each
    labels   index into `classes` of each (int64), UNKNOWN where the source has none
    parts    the rows of each split, or {"all": every row}
    groups   what must stay in one split, or None
    files    what the data was read from
    target   what the label is called
    """

    names: Sequence[str]
    labels: np.ndarray
    classes: list[str]
    parts: dict[str, np.ndarray]
    target: str
    files: tuple[Path, ...]
    paths: tuple[Path, ...] | None = None
    pixels: tuple[np.ndarray, ...] | None = None
    groups: np.ndarray | None = None
    refused: list[Refusal] = field(default_factory=list)


def list_images(source: Source, config: Config) -> Listing:
    """Return what `source` holds; raises UserError where it holds no images or its pieces do not fit together."""
    if source.kind == "class_folders":
        return _list_class_folders(source)
    if source.kind == "images":
        paths = source.parts["all"]
        rows = {"all": np.arange(len(paths))}
        labels = np.full(len(paths), UNKNOWN)
        return Listing([path.name for path in paths], labels, [], rows, "class", paths, paths=paths)
    if source.kind == "npz":
        return _list_npz(source, config)
    if source.kind == "idx":
        return _list_idx(source)
    return _list_table(source, config)


def path_column(source: Source, config: Config) -> str | None:
    """Return the column of a table source that holds the paths of images, or None.

    It is the one that was asked for, or one whose first values look like images and of which one is there.
    Raises UserError where the one asked for does not exist.
    """
    table_path = next(iter(source.parts.values()))[0]
    table = read_table_file(table_path).frame
    if config.path_column is not None:
        return _column(table, config.path_column, table_path)
    for name in table.columns:
        first = [Path(str(value)) for value in table[name].drop_nulls().head(20)]
        if first and all(map(is_image, first)) and any((table_path.parent / path).is_file() for path in first):
            return name
    return None


def code_labels(labels: Sequence[str], classes: Sequence[str], where: str) -> np.ndarray:
    """Return the index in `classes` of each label; raises UserError for one that is not among them."""
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
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else sorted(names)


def _list_class_folders(source: Source) -> Listing:
    paths: list[Path] = []
    labels: list[str] = []
    names: list[str] = []
    refused: list[Refusal] = []
    parts = {}
    for split, (root,) in source.parts.items():
        start = len(paths)
        base = root.parent if len(source.parts) > 1 else root
        for folder in class_folders(root):
            for path in walk_files(folder):
                if not is_image(path):
                    refused.append(Refusal(where=str(path.relative_to(base)), reason="is no image by its name"))
                    continue
                paths.append(path)
                labels.append(folder.name)
                names.append(str(path.relative_to(base)))
        parts[split] = np.arange(start, len(paths))
    every = {folder.name for (root,) in source.parts.values() for folder in class_folders(root)}
    classes = in_order(every)
    codes = code_labels(labels, classes, source.address)
    return Listing(names, codes, classes, parts, "folder", tuple(paths), paths=tuple(paths), refused=refused)


def _list_npz(source: Source, config: Config) -> Listing:
    (path,) = source.parts["all"]
    content = arrays.read_npz(path)
    splits = {split: split for split in ("train", "valid", "test") if f"x_{split}" in content}
    x_names = {split: f"x_{split}" for split in splits} or {"all": "x"}
    y_names = {split: f"y_{split}" for split in splits} or {"all": config.target or "y"}
    pixels, values, names = [], [], []
    for split, x_name in x_names.items():
        pixels.append(arrays.to_pixels(arrays.named(content, x_name, path), f"{path}: array `{x_name}`"))
        names += [f"{x_name}[{row}]" for row in range(len(pixels[-1]))]
        has_labels = bool(splits) or y_names[split] in content or config.target is not None
        values.append(_labels(content, y_names[split], len(pixels[-1]), path) if has_labels else None)
    given = [str(name) for name in content["classes"].tolist()] if "classes" in content else None
    return _array_listing(source, names, pixels, values, list(x_names), given, next(iter(y_names.values())))


def _labels(content: dict[str, np.ndarray], name: str, count: int, path: Path) -> np.ndarray:
    values = arrays.named(content, name, path)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,):
        raise UserError(f"{path}: array `{name}` has the shape {values.shape}; there are {count} images.")
    if values.dtype.kind == "f" and np.all(values == np.round(values)):
        values = values.astype(np.int64)
    if values.dtype.kind not in "iuUb":
        raise UserError(f"{path}: array `{name}` ({values.dtype}) holds no classes. Give whole numbers or names.")
    return values


def _list_idx(source: Source) -> Listing:
    pixels, values, names = [], [], []
    for pair in source.parts.values():
        images = arrays.read_idx(pair[0])
        pixels.append(arrays.to_pixels(images, str(pair[0])))
        names += [f"{pair[0].name}[{row}]" for row in range(len(images))]
        labels = arrays.read_idx(pair[1]) if len(pair) > 1 else None
        if labels is not None and labels.shape != (len(images),):
            raise UserError(f"{pair[1]}: holds labels of shape {labels.shape}; there are {len(images)} images.")
        values.append(labels)
    return _array_listing(source, names, pixels, values, list(source.parts), None, "label")


def _array_listing(
    source: Source,
    names: list[str],
    pixels: list[np.ndarray],
    values: Sequence[np.ndarray | None],
    splits: list[str],
    given: list[str] | None,
    target: str,
) -> Listing:
    """Return the listing of arrays one a split; labels are numbers into `given` names, or stand for themselves."""
    if len({part.shape[1:] for part in pixels}) > 1:
        raise UserError(f"{source.address}: the splits hold images of different shapes.")
    known = [part for part in values if part is not None]
    if given is not None and all(part.dtype.kind != "U" for part in known):
        wrong = next((value for part in known for value in np.unique(part) if not 0 <= value < len(given)), None)
        if wrong is not None:
            raise UserError(f"{source.address}: the label {wrong} is none of the {len(given)} `classes`.")
        classes, labels = given, [None if part is None else part.astype(np.int64) for part in values]
    else:
        classes = given or in_order({str(value) for part in known for value in np.unique(part).tolist()})
        labels = [None if part is None else _code_values(part, classes, source.address) for part in values]
    ends = np.cumsum([len(part) for part in pixels])
    parts = {split: np.arange(end - len(part), end) for split, end, part in zip(splits, ends, pixels, strict=True)}
    codes = [np.full(len(x), UNKNOWN) if y is None else y for x, y in zip(pixels, labels, strict=True)]
    files = tuple(path for pair in source.parts.values() for path in pair)
    return Listing(names, np.concatenate(codes), classes, parts, target, files, pixels=tuple(pixels))


def _code_values(values: np.ndarray, classes: list[str], where: str) -> np.ndarray:
    distinct, inverse = np.unique(values, return_inverse=True)
    return code_labels([str(value) for value in distinct.tolist()], classes, where)[inverse]


def _list_table(source: Source, config: Config) -> Listing:
    frames, parts, start = [], {}, 0
    refused: list[Refusal] = []
    for split, tables in source.parts.items():
        read = [(path, read_table_file(path)) for path in tables]
        refused += [refusal for _, table in read for refusal in table.refused]
        frame = pl.concat([_with_origin(path, table) for path, table in read], how="diagonal_relaxed")
        parts[split] = np.arange(start, start + len(frame))
        start += len(frame)
        frames.append(frame)
    frame = pl.concat(frames, how="diagonal_relaxed")
    first = next(iter(source.parts.values()))[0]
    path_name = path_column(source, config)
    if path_name is None:
        raise UserError(f"{source.address}: no column holds the paths of images. Name it with --path-column.")
    split_name = config.split_column or (SPLIT_COLUMN if SPLIT_COLUMN in frame.columns else None)
    groups = _column(frame, config.group_column, first) if config.group_column else None
    target = config.target or _only_other(frame, {path_name, split_name, groups, _ORIGIN, _ROW}, first)
    if split_name and "all" in parts:
        parts = _split_rows(frame[_column(frame, split_name, first)], first)
    return _table_listing(source, frame, parts, path_name, target, groups, refused)


_ORIGIN, _ROW = "__table", "__row"


def _with_origin(path: Path, table: TableFile) -> pl.DataFrame:
    return table.frame.with_columns(pl.Series(_ROW, table.rows), pl.lit(str(path)).alias(_ORIGIN))


def _table_listing(
    source: Source,
    frame: pl.DataFrame,
    parts: dict[str, np.ndarray],
    path_name: str,
    target: str,
    groups: str | None,
    refused: list[Refusal],
) -> Listing:
    """Return the listing without the rows that have no path within the table's folder or no label."""
    labelled = target in frame.columns
    values = [None if value is None else str(value).strip() for value in frame[target]] if labelled else []
    paths: list[Path] = []
    kept: list[int] = []
    for row, (name, origin) in enumerate(zip(frame[path_name], frame[_ORIGIN], strict=True)):
        reason = _bad_path(name) or ("the label is missing" if labelled and not values[row] else None)
        if reason:
            refused.append(Refusal(where=f"{Path(origin).name} row {frame[_ROW][row]}", reason=reason))
            continue
        kept.append(row)
        paths.append(Path(origin).parent / str(name).strip())
    position = np.full(len(frame), UNKNOWN)
    position[kept] = np.arange(len(kept))
    parts = {split: position[rows][position[rows] >= 0] for split, rows in parts.items()}
    labels = [str(values[row]) for row in kept] if labelled else []
    classes = in_order(set(labels))
    codes = code_labels(labels, classes, source.address) if labelled else np.full(len(kept), UNKNOWN)
    group_values = np.array([str(frame[groups][row]) for row in kept]) if groups else None
    names = [str(frame[path_name][row]).strip() for row in kept]
    return Listing(names, codes, classes, parts, target, tuple(paths), tuple(paths), None, group_values, refused)


def _bad_path(name: object) -> str | None:
    if name is None or not str(name).strip():
        return "the path is missing"
    path = PurePath(str(name).strip())
    return f"`{path}` leads out of the table's folder" if path.is_absolute() or ".." in path.parts else None


def _column(table: pl.DataFrame, name: str, path: Path) -> str:
    if name not in table.columns:
        known = [column for column in table.columns if column not in (_ORIGIN, _ROW)]
        raise UserError(f"{path}: there is no column `{name}`.{nearest(name, known)} It has: {', '.join(known)}.")
    return name


def _only_other(table: pl.DataFrame, taken: set[str | None], path: Path) -> str:
    others = [name for name in table.columns if name not in taken]
    if len(others) > 1:
        raise UserError(f"{path}: which column is the class? Name it with --target: {', '.join(others)}.")
    return others[0] if others else "class"


def _split_rows(column: pl.Series, path: Path) -> dict[str, np.ndarray]:
    splits = np.array([SPLIT_NAMES.get(str(value).strip().lower(), "") for value in column])
    if (splits == "").any():
        row = int(np.flatnonzero(splits == "")[0])
        raise UserError(f"{path}: `{column[row]}` in column `{column.name}` is none of train, valid, test.")
    return {split: np.flatnonzero(splits == split) for split in ("train", "valid", "test") if (splits == split).any()}
