"""How many images a second come out of 10,000 JPEG files, augmented and ready for the network.

    python benchmarks/input.py [--images N] [--epochs N] [--trials N] [--keep FOLDER] [--quick]

The files are made from the aerial photograph in `samples/trees`: parts of 256x256 pixels at random places, turned,
mirrored, brightness changed, sensor noise added, JPEG quality 90, so each is different and about as large as a
photograph of that size; in ten class folders (which class is of no matter here). They are in the page cache of the
system for both sides, as they have just been written.

Ours: the data room as `convergent train` uses it (scan, decode once into the cache, gather a batch), flip and shift on
the whole batch, then pixels to standardised float. The first epoch starts with an empty cache and includes everything
from opening the folder; so it is slower than the later ones by all the decoding. Peer: torchvision's ImageFolder and
DataLoader with RandomCrop, RandomHorizontalFlip, ToTensor, Normalize, with one worker process for each core (two on
two cores), kept alive between the epochs; its first epoch includes listing the folder and starting the workers. Both
sides hand out batches of 128 images of 224x224 (the peer cuts them from 256x256 without scaling, which is less work
than our scaling to 224); nothing is trained. Each trial is a process of its own, ours and the peer's in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from common import Shown, Target, cores, machine, report

PHOTOGRAPH = Path(__file__).resolve().parent.parent / "samples" / "trees" / "OSBS_029.png"
SIDE, OUTPUT_SIDE, BATCH_SIZE, CLASSES, VALID = 256, 224, 128, 10, 100
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_files(folder: Path, count: int) -> float:
    """Write the images into `folder`/train and a few into `folder`/valid; return the mean size in kilobytes."""
    photograph = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    random = np.random.default_rng(0)
    size = 0
    for number in range(count + VALID):
        part = "train" if number < count else "valid"
        path = folder / part / f"class-{number % CLASSES}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_image(photograph, random)).save(path, quality=90)
        size += path.stat().st_size
    return size / (count + VALID) / 1e3


def make_image(photograph: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a part of the photograph, turned, mirrored, brighter or darker, with noise: uint8 (SIDE, SIDE, 3)."""
    top = random.integers(photograph.shape[0] - SIDE + 1)
    left = random.integers(photograph.shape[1] - SIDE + 1)
    image = np.rot90(photograph[top : top + SIDE, left : left + SIDE], int(random.integers(4)))
    if random.random() < 0.5:
        image = image[:, ::-1]
    noise = random.normal(0, 4, image.shape)
    return np.clip(image * random.uniform(0.7, 1.2) + noise, 0, 255).astype(np.uint8)


def our_epochs() -> Callable[[Path], Iterator[int]]:
    """Import what it takes, as `convergent train` sets it up; return the function of `our_epochs_of`."""
    from convergent.memory import keep_freed_memory
    from convergent.tasks import image_classification  # noqa: F401

    keep_freed_memory()
    return our_epochs_of


def our_epochs_of(folder: Path) -> Iterator[int]:
    """Yield the number of images of each batch, for ever; 0 after each epoch."""
    from convergent.config import make_config
    from convergent.data.loader import TrainingBatches
    from convergent.data.order import generator
    from convergent.data.source import open_source
    from convergent.models.normalized import standardise
    from convergent.task import find_task

    mean_C, std_C = 255 * torch.tensor(MEAN), 255 * torch.tensor(STD)
    task = find_task("image-classification")
    config = make_config(image_size=OUTPUT_SIDE, augment=["flip", "shift"])
    splits = task.load(open_source(str(folder)), config)
    augment = task.augment(splits.spec, config)
    assert augment
    batches = TrainingBatches(splits.train, BATCH_SIZE, 0, torch.device("cpu"))
    for step, (_, batch) in enumerate(batches.from_step(0)):
        images_BCHW = standardise(augment(batch, generator(0, "augment", step), 0.0).inputs[0], mean_C, std_C)
        yield len(images_BCHW)
        if (step + 1) % batches.steps_per_epoch == 0:
            yield 0


def peer_epochs() -> Callable[[Path], Iterator[int]]:
    """Import what it takes; return the function of `peer_epochs_of`."""
    import torchvision.datasets
    import torchvision.transforms  # noqa: F401

    return peer_epochs_of


def peer_epochs_of(folder: Path) -> Iterator[int]:
    """Yield the number of images of each batch, for ever; 0 after each epoch."""
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

    change = Compose([RandomCrop(OUTPUT_SIDE), RandomHorizontalFlip(), ToTensor(), Normalize(MEAN, STD)])
    data = ImageFolder(folder / "train", change)
    loader = DataLoader(
        data, BATCH_SIZE, shuffle=True, drop_last=True, num_workers=cores(), persistent_workers=True
    )  # fmt: skip
    while True:
        for images_BCHW, _ in loader:
            yield len(images_BCHW)
        yield 0


SIDES: dict[str, Callable[[], Callable[[Path], Iterator[int]]]] = {"ours": our_epochs, "torchvision": peer_epochs}


def time_epochs(side: str, folder: Path, epochs: int) -> list[float]:
    """Return the images a second of each epoch; the first from the opening of the folder on."""
    epochs_of = SIDES[side]()
    rates, count, start = [], 0, time.perf_counter()
    for size in epochs_of(folder):
        count += size
        if not size:
            now = time.perf_counter()
            rates.append(count / (now - start))
            count, start = 0, now
            if len(rates) == epochs:
                break
    return rates


def trial(side: str, folder: Path, epochs: int) -> list[float]:
    """Return the images a second of each epoch, in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--side", side, "--keep", str(folder), "--epochs", str(epochs)]
        found = subprocess.run(
            command, env={**os.environ, "CONVERGENT_CACHE": cache}, stdout=subprocess.PIPE, text=True, check=True
        )
    rates: list[float] = json.loads(found.stdout)
    print(f"{side}: {', '.join(f'{rate:.0f}' for rate in rates)} images/s", file=sys.stderr)
    return rates


def measure(folder: Path, chosen: argparse.Namespace) -> None:
    """Make the files, time both sides in turns, and report."""
    on = machine()
    print(f"making {chosen.images:,} images", file=sys.stderr)
    kilobytes = make_files(folder, chosen.images)
    rates: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for _ in range(chosen.trials):
        for side in SIDES:
            rates[side].append(trial(side, folder, chosen.epochs))
    first = {side: statistics.median(each[0] for each in found) for side, found in rates.items()}
    later = {side: statistics.median(rate for each in found for rate in each[1:]) for side, found in rates.items()}
    rows = [[side, f"{first[side]:,.0f}", f"{later[side]:,.0f}"] for side in SIDES]
    by = {"first": first["ours"] / first["torchvision"], "later": later["ours"] / later["torchvision"]}
    rows.append(["ours by torchvision's", f"{by['first']:.2f}", f"{by['later']:.2f}"])
    note = (
        f"{chosen.images:,} JPEG files of {SIDE}×{SIDE} pixels, {kilobytes:.0f} kB each on average, to batches of "
        f"{BATCH_SIZE} at {OUTPUT_SIDE}×{OUTPUT_SIDE}; medians of {chosen.trials} trials of {chosen.epochs} epochs."
    )
    table = Shown("Images a second", ["who", "first epoch", "later epochs"], rows, note)
    aims = [
        Target("images/s in the first epoch, by ImageFolder + DataLoader's", 1.0, by["first"]),
        Target("images/s in later epochs, by ImageFolder + DataLoader's", 5.0, by["later"]),
    ]
    report("input", "input", on, [table], aims, quick=chosen.quick)


def arguments() -> Any:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--keep", metavar="FOLDER", help="write the images there instead of into a temporary folder")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="300 images, to see that it runs; writes nothing")
    return parser.parse_args()


def main() -> None:
    """Measure, or be one side of the measurement."""
    chosen = arguments()
    if chosen.side:
        print(json.dumps(time_epochs(chosen.side, Path(chosen.keep), chosen.epochs)))
        return
    if chosen.quick:
        chosen.images, chosen.epochs, chosen.trials = 300, 2, 1
    if chosen.keep:
        measure(Path(chosen.keep), chosen)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), chosen)


if __name__ == "__main__":
    main()
