"""Images as samples: found, decoded once, split, measured on the training split alone.

Pixels are kept as uint8 with channels last (N, H, W, C) and handed out as a (B, C, H, W) view of that memory, which
torch calls channels-last: the layout that convolutions are fastest in.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict

from convergent.config import Config
from convergent.data.cache import digest
from convergent.data.decode import Geometry
from convergent.data.image_arrays import list_idx, list_npz
from convergent.data.image_statistics import fit_statistics
from convergent.data.image_table import list_table
from convergent.data.listing import UNKNOWN, Listing, code_labels, list_class_folders, list_loose_images
from convergent.data.pixels import Pixels, open_pixels
from convergent.data.source import Source
from convergent.data.split import Parts, group_split, split_fractions, stratified_split
from convergent.types import Batch, DataSpec, Refusal, Samples, Splits, UserError

LARGEST_PICTURE = 128


class ImageFeatures(BaseModel):
    """What images are brought to, and what was fitted on the training split.

    resize  `none`: the images had this size; `cover`: scaled to cover it, cut around the centre
    others  see `image_statistics.py`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Literal[1, 3]
    height: int
    width: int
    resize: Literal["none", "cover"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    patch_covariance: tuple[tuple[float, ...], ...]
    upright_accuracy: float
    mirrored_accuracy: float

    @property
    def geometry(self) -> Geometry:
        """Channels, height and width."""
        return Geometry(self.channels, self.height, self.width)


@dataclass(frozen=True)
class ImageSamples:
    """Images and class ids: sample i is row `rows[i]` of `pixels`."""

    pixels: Pixels
    rows: np.ndarray
    targets: np.ndarray
    names: Sequence[str]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

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


def png(samples: Samples, index: int) -> str:
    """Return image `index` of `samples` as a PNG in base64, for a gallery; a large one is made smaller."""
    (images_BCHW,) = samples.batch(np.array([index])).inputs
    array = images_BCHW[0].permute(1, 2, 0).numpy()
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def list_images(source: Source, config: Config, *, labelled: bool) -> Listing:
    """Return what `source` holds; `labelled`: it must have classes, and all that the config names.

    Raises UserError where it holds no images, its pieces do not fit together, or an option has no meaning for it.
    """
    if source.kind == "table":
        return list_table(source, config, labelled=labelled)
    for name in ("path_column", "split_column", "group_column", "target"):
        if labelled and getattr(config, name) is not None and (name, source.kind) != ("target", "npz"):
            raise UserError(f"--{name.replace('_', '-')} names a column of a table; {source.address} is none.")
    if source.kind == "npz":
        return list_npz(source, config, labelled=labelled)
    if source.kind == "idx":
        return list_idx(source, labelled=labelled)
    return list_class_folders(source) if source.kind == "class_folders" else list_loose_images(source)


def load_images(source: Source, config: Config, task: str) -> Splits:
    """Return the splits of a source of images with classes; statistics are fitted on the training split alone.

    Raises UserError where there is one class only or far too many, or too much that cannot be read.
    """
    listing = list_images(source, config, labelled=True)
    _check_classes(listing, source, config)
    opened = open_pixels(listing, config, None)
    parts, sentence = _split(listing, opened.usable, config)
    _check_parts(parts, listing, source)
    pixels, num_classes = opened.pixels, len(listing.classes)
    samples = {
        name: ImageSamples(pixels, rows, listing.labels[rows], listing.names)
        for name, rows in parts._asdict().items()
        if len(rows)
    }
    features = ImageFeatures(
        **opened.geometry._asdict(), resize=opened.resize, **fit_statistics(samples["train"], num_classes)._asdict()
    )
    spec = DataSpec(
        task=task,
        source=source.address,
        modality="images",
        fingerprint=digest(opened.content, *listing.names, *listing.classes, str(listing.labels.tolist())),
        sizes={name: len(part) for name, part in samples.items()},
        split=sentence,
        target=listing.target,
        classes=listing.classes,
        class_counts={
            name: np.bincount(part.targets, minlength=num_classes).tolist() for name, part in samples.items()
        },
        features=features.model_dump(mode="json"),
        refused=list(opened.refused),
    )
    return Splits(spec, samples["train"], samples["valid"], samples.get("test"))


def read_images(source: Source, spec: DataSpec, config: Config) -> ImageSamples:
    """Return new images by the geometry and the classes of `spec`; class id -1 where the source has no labels.

    Of a source that has a test split of its own only that is taken.
    Raises UserError for a class that the training did not know, and for too much that cannot be read.
    """
    listing = list_images(source, config, labelled=False)
    opened = open_pixels(listing, config, ImageFeatures(**spec.features).geometry)
    rows = np.intersect1d(opened.usable, listing.parts["test"]) if "test" in listing.parts else opened.usable
    known = code_labels(listing.classes, spec.classes or [], source.address)
    targets = np.append(known, UNKNOWN)[listing.labels[rows]]
    return ImageSamples(opened.pixels, rows, targets, listing.names, opened.refused)


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
