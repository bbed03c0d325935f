"""Images as samples: found, decoded once, split, measured on the training split alone.

Pixels are kept as uint8 with channels last (N, H, W, C) and handed out as a (B, C, H, W) view of that memory, which
torch calls channels-last: the layout that convolutions are fastest in.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from convergent.config import Config
from convergent.data import image_files
from convergent.data.bad import enforce_limit
from convergent.data.cache import digest
from convergent.data.decode import Geometry, cover
from convergent.data.listing import UNKNOWN, Listing, code_labels, list_images
from convergent.data.source import Source
from convergent.data.split import Parts, group_split, split_fractions, stratified_split
from convergent.types import Batch, DataSpec, Refusal, Samples, Splits, UserError

LARGEST_NATIVE_SIDE = 96
LARGEST_SIDE = 224
STATISTICS_SAMPLES = 10_000
STATISTICS_FILES = 2_000


class ImageFeatures(BaseModel):
    """What images are brought to, and what was fitted on the training split.

    resize  `none`: the images had this size; `cover`: scaled to cover it, cut around the centre
    mean, std  of each channel, pixels in 0..1
    mirrored   accuracy of the nearest class mean on the training images as they are, and mirrored
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Literal[1, 3]
    height: int
    width: int
    resize: Literal["none", "cover"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    upright_accuracy: float
    mirrored_accuracy: float

    @property
    def geometry(self) -> Geometry:
        """Channels, height and width."""
        return Geometry(self.channels, self.height, self.width)


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


@dataclass(frozen=True)
class ImageSamples:
    """Images and class ids: sample i is row `rows[i]` of `pixels`."""

    pixels: Pixels
    rows: np.ndarray
    targets: np.ndarray
    names: Sequence[str]

    @property
    def decoded(self) -> bool:
        """True where a batch is a look-up in memory."""
        return self.pixels.decoded

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return images uint8 (B, C, H, W), channels last in memory, and class ids int64 (B,)."""
        images_BHWC = self.pixels.take(self.rows[indices])
        return Batch((images_BHWC.permute(0, 3, 1, 2),), torch.from_numpy(self.targets[indices]))

    def name(self, index: int) -> str:
        """Return the file's path within the data, or the array's name and row."""
        return self.names[int(self.rows[index])]


def png(samples: Samples, index: int, smallest_side: int = 64) -> str:
    """Return image `index` of `samples` as a PNG in base64, for a gallery; small ones are enlarged."""
    (images_BCHW,) = samples.batch(np.array([index])).inputs
    array = images_BCHW[0].permute(1, 2, 0).numpy()
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    factor = -(-smallest_side // min(image.size))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    if min(image.size) > 2 * smallest_side:
        image.thumbnail((2 * smallest_side, 2 * smallest_side))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def load_images(source: Source, config: Config, task: str) -> Splits:
    """Return the splits of a source of images with classes; statistics are fitted on the training split alone.

    Raises UserError where there is one class only or far too many, or too much that cannot be read.
    """
    listing = list_images(source, config)
    _check_classes(listing, source, config)
    pixels, geometry, resize, bad, fingerprint = _open_pixels(listing, config, None)
    refused = enforce_limit(
        [*listing.refused, *bad.values()], len(listing.names) + len(listing.refused), config.max_bad
    )
    kept = np.setdiff1d(np.arange(len(listing.names)), np.fromiter(bad, dtype=np.int64))
    parts, sentence = _split(listing, kept, config)
    _check_parts(parts, listing, source)
    samples = {
        name: ImageSamples(pixels, rows, listing.labels[rows], listing.names) for name, rows in parts._asdict().items()
    }
    num_classes = len(listing.classes)
    spec = DataSpec(
        task=task,
        source=source.address,
        modality="image",
        fingerprint=fingerprint,
        sizes={name: len(part) for name, part in samples.items() if len(part)},
        split=sentence,
        target=listing.target,
        classes=listing.classes,
        class_counts={
            name: np.bincount(part.targets, minlength=num_classes).tolist()
            for name, part in samples.items()
            if len(part)
        },
        features=fit_features(samples["train"], geometry, resize, num_classes).model_dump(mode="json"),
        refused=list(refused),
    )
    return Splits(spec, samples["train"], samples["valid"], samples["test"] if len(samples["test"]) else None)


def read_images(source: Source, spec: DataSpec, config: Config) -> ImageSamples:
    """Return new images by the geometry and the classes of `spec`; class id -1 where the source has no labels.

    Of a source that has a test split of its own only that is taken.
    Raises UserError for a class that the training did not know, and for too much that cannot be read.
    """
    features = ImageFeatures(**spec.features)
    classes = spec.classes or []
    listing = list_images(source, config)
    pixels, _, _, bad, _ = _open_pixels(listing, config, features.geometry)
    enforce_limit([*listing.refused, *bad.values()], len(listing.names) + len(listing.refused), config.max_bad)
    rows = listing.parts["test"] if "test" in listing.parts else np.arange(len(listing.names))
    rows = np.setdiff1d(rows, np.fromiter(bad, dtype=np.int64))
    to_known = np.append(code_labels(listing.classes, classes, source.address), UNKNOWN)
    return ImageSamples(pixels, rows, to_known[listing.labels], listing.names)


def fit_features(
    train: ImageSamples, geometry: Geometry, resize: Literal["none", "cover"], num_classes: int
) -> ImageFeatures:
    """Return the features with mean, standard deviation and symmetry of (a regular selection of) the training split."""
    limit = STATISTICS_SAMPLES if train.decoded else STATISTICS_FILES
    chosen = np.linspace(0, len(train) - 1, min(len(train), limit)).astype(np.int64)
    total, count = torch.zeros(2, geometry.channels, dtype=torch.double), 0
    for part in np.array_split(chosen, -(-len(chosen) // 500)):
        (images_BCHW,), _ = train.batch(part)
        values = images_BCHW.double() / 255
        total += torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        count += values.numel() // geometry.channels
    mean_C, square_C = total / count
    std_C = (square_C - mean_C.square()).clamp(min=0).sqrt()
    upright, mirrored = symmetry(train, chosen, num_classes)
    return ImageFeatures(
        channels=geometry.channels,  # type: ignore[arg-type]
        height=geometry.height,
        width=geometry.width,
        resize=resize,
        mean=tuple(mean_C.tolist()),
        std=tuple(std.item() if std > 1e-3 else 1.0 for std in std_C),
        upright_accuracy=upright,
        mirrored_accuracy=mirrored,
    )


def symmetry(train: ImageSamples, chosen: np.ndarray, num_classes: int) -> tuple[float, float]:
    """Return the accuracy of the nearest class mean on the chosen images as they are, and on their mirror images.

    A class that survives a mirror (a coat, a cat) is as near to its mean as before; a digit or a letter is not.
    """
    small = Geometry(train.pixels.take(train.rows[:1]).shape[3], 16, 16)
    images_BHWC = torch.cat(
        [cover(train.pixels.take(train.rows[part]), small) for part in np.array_split(chosen, -(-len(chosen) // 500))]
    ).float()
    targets_B = torch.from_numpy(train.targets[chosen])
    counts_C = torch.bincount(targets_B, minlength=num_classes).clamp(min=1)
    means_CD = torch.zeros(num_classes, images_BHWC[0].numel()).index_add_(0, targets_B, images_BHWC.flatten(1))
    means_CD /= counts_C[:, None]
    upright, mirrored = (
        (torch.cdist(images.flatten(1), means_CD).argmin(1) == targets_B).float().mean().item()
        for images in (images_BHWC, images_BHWC.flip(2))
    )
    return upright, mirrored


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
    side = max(8, min(LARGEST_SIDE, min(size)))
    return Geometry(channels, side, side)


class Opened(NamedTuple):
    """Pixels ready to take, what was done to their size, the unusable rows, and a digest of the content."""

    pixels: Pixels
    geometry: Geometry
    resize: Literal["none", "cover"]
    bad: dict[int, Refusal]
    content: str


def _open_pixels(listing: Listing, config: Config, geometry: Geometry | None) -> Opened:
    """Return the listing's images brought to `geometry`, or to the one that fits them."""
    if listing.paths is None:
        return _open_arrays(listing, config, geometry)
    found = image_files.scan(listing.paths)
    _refuse_all_bad(listing, found.bad)
    wanted = geometry or choose_geometry(found.grey, found.size, found.uniform, config.image_size)
    array, damaged = image_files.decode_all(listing.paths, found.content, wanted, config.cache_gigabytes)
    pixels = image_files.FilePixels(listing.paths, wanted) if array is None else ArrayPixels(array)
    bad = {row: Refusal(where=listing.names[row], reason=reason) for row, reason in damaged}
    resize: Literal["none", "cover"] = "none" if found.uniform and found.size == wanted[1:] else "cover"
    return Opened(pixels, wanted, resize, bad, found.content)


def _refuse_all_bad(listing: Listing, bad: Sequence[tuple[int, str]]) -> None:
    if len(bad) == len(listing.names):
        enforce_limit([Refusal(where=listing.names[row], reason=reason) for row, reason in bad], len(bad), 1.0)


def _open_arrays(listing: Listing, config: Config, geometry: Geometry | None) -> Opened:
    parts = listing.pixels or ()
    array = parts[0] if len(parts) == 1 else np.concatenate(parts)
    height, width, channels = array.shape[1:]
    wanted = geometry or choose_geometry(channels == 1, (height, width), True, config.image_size)
    resize: Literal["none", "cover"] = "none" if (height, width) == wanted[1:] else "cover"
    if channels != wanted.channels:
        array = _to_channels(array, wanted.channels)
    if resize == "cover":
        array = np.concatenate(
            [cover(torch.from_numpy(array[i : i + 500]), wanted).numpy() for i in range(0, len(array), 500)]
        )
    content = digest(*(np.ascontiguousarray(part).data.cast("B") for part in parts))
    return Opened(ArrayPixels(array), wanted, resize, {}, content)


def _to_channels(array: np.ndarray, channels: int) -> np.ndarray:
    """Return images (N, H, W, C) with grey repeated as colours, or colours weighed to grey (ITU-R 601, as Pillow)."""
    if channels == 3:
        return np.repeat(array, 3, axis=3)
    return np.round(array @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.uint8)[..., None]


def _check_classes(listing: Listing, source: Source, config: Config) -> None:
    """Raise UserError where the labels cannot be those of a classification."""
    num_classes, num_images = len(listing.classes), len(listing.names)
    if (listing.labels == UNKNOWN).any() or num_classes == 0:
        raise UserError(
            f"{source.address}: the images have no classes to learn. Put each class into a folder of its own."
        )
    if num_classes == 1:
        raise UserError(f"{source.address}: there is one class only (`{listing.classes[0]}`); two are needed to learn.")
    if num_classes > config.max_classes:
        raise UserError(
            f"{source.address}: {num_classes} classes are more than --max-classes {config.max_classes}. "
            f"Is `{listing.target}` an identifier?"
        )
    if num_images >= 20 and num_classes > num_images / 2:
        raise UserError(
            f"{source.address}: {num_classes} classes for {num_images} images: `{listing.target}` looks like an "
            "identifier. A class needs several images."
        )


def _split(listing: Listing, kept: np.ndarray, config: Config) -> tuple[Parts, str]:
    """Return the rows of each part, and how they came about as a sentence; what the data itself has is honoured."""
    own = {name: np.intersect1d(rows, kept) for name, rows in listing.parts.items()}
    free = own.get("all", own.get("train", np.arange(0)))
    test, valid = own.get("test", np.arange(0)), own.get("valid", np.arange(0))
    if "valid" in own and "test" in own:
        return Parts(free, valid, test), "Training, validation and test split are the data's own."
    has_test = "test" in own
    valid_share, test_share = split_fractions(len(free), config.valid_fraction, config.test_fraction, has_test)
    if "valid" in own:
        valid_share = 0.0
    if listing.groups is not None:
        made, how = (
            group_split(listing.groups[free], valid_share, test_share, config.seed),
            f"by `{config.group_column}`",
        )
    else:
        made, how = stratified_split(listing.labels[free], valid_share, test_share, config.seed), "stratified by class"
    parts = Parts(
        free[made.train], valid if "valid" in own else free[made.valid], test if has_test else free[made.test]
    )
    return parts, _split_sentence(list(own), parts, how, config.seed)


def _split_sentence(own: list[str], parts: Parts, how: str, seed: int) -> str:
    given = [name for name in ("valid", "test") if name in own]
    made = [name for name in ("valid", "test") if name not in own and len(getattr(parts, name))]
    held_out = " and ".join(f"{len(getattr(parts, name))} for {name}" for name in made)
    sentence = f"Held out of the training data: {held_out}, {how}, seed {seed}." if made else ""
    return " ".join(filter(None, [sentence, f"The {' and '.join(given)} split is the data's own." if given else ""]))


def _check_parts(parts: Parts, listing: Listing, source: Source) -> None:
    """Raise UserError where a part is empty that must not be, or holds a class that training would never see."""
    for name in ("train", "valid"):
        if not len(getattr(parts, name)):
            raise UserError(f"{source.address}: no image is left for the {name} split. Give more images.")
    learnt = np.unique(listing.labels[parts.train])
    if len(learnt) < 2:
        raise UserError(f"{source.address}: the training split has one class only; two are needed to learn.")
    for name in ("valid", "test"):
        unknown = np.setdiff1d(listing.labels[getattr(parts, name)], learnt)
        if len(unknown):
            raise UserError(
                f"{source.address}: the {name} split has the class `{listing.classes[unknown[0]]}`, train has not."
            )
