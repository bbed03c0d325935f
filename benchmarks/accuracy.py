"""How good the networks get with the defaults, when only the time is given.

    python benchmarks/accuracy.py [fashion] [cifar10] [letter] [diamonds] [help] [--cache FOLDER] [--quick]

Each is one `convergent train DATA --time-limit SECONDS` (tables also with --target), nothing is tuned for a data set.
The score is the test metric in the run's result.json; seconds are those of the whole process by our clock; peak memory
is what the system reports of that process when it ends. `help` times `convergent --help`.

Data: Fashion-MNIST, CIFAR-10 (JPEG class folders in a zip) and the tables are taken from the folder that the
environment variable CONVERGENT_DATA names; without it the images come from torchvision's usual source, letter from
`samples/`, and diamonds is left out. Archives are extracted into --cache, outside of the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from common import FOLDER, Shown, Target, convergent, machine, report

MEGABYTE = 2**20
LARGEST_ARCHIVE = 2**30


class Run(NamedTuple):
    """One training: where its data is, what is given to it, and what is expected of it."""

    title: str
    find: Callable[[Path], Path]
    seconds: int
    metric: str
    aim: float
    options: tuple[str, ...] = ()
    at_least: bool = True
    most_memory: float | None = None
    """Megabytes."""


class Done(NamedTuple):
    """What a training left: its result.json, seconds and peak megabytes of the process."""

    result: dict[str, Any]
    seconds: float
    megabytes: float


def data_folder() -> Path | None:
    """Return the folder of CONVERGENT_DATA, where it is set."""
    place = os.environ.get("CONVERGENT_DATA")
    return Path(place) if place else None


def find_fashion(cache: Path) -> Path:
    """Return the folder of Fashion-MNIST's IDX files."""
    folder = data_folder()
    if folder is not None:
        return folder / "fashion-mnist"
    from torchvision.datasets import FashionMNIST

    FashionMNIST(str(cache), download=True)
    gathered = cache / "fashion-mnist"
    gathered.mkdir(exist_ok=True)
    for path in (cache / "FashionMNIST" / "raw").glob("*.gz"):
        shutil.copy(path, gathered)
    return gathered


def find_cifar10(cache: Path) -> Path:
    """Return CIFAR-10 as class folders, extracted or written once."""
    folder, place = data_folder(), cache / "cifar10"
    if place.is_dir():
        return place
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        if folder is not None:
            extract(folder / "cifar10.zip", Path(temporary))
        else:
            write_cifar10(Path(temporary) / "cifar10", cache)
        (Path(temporary) / "cifar10").rename(place)
    return place


def extract(archive: Path, folder: Path) -> None:
    """Extract a zip file; refuses one that would grow beyond a gigabyte (zipfile itself keeps paths inside)."""
    with zipfile.ZipFile(archive) as opened:
        if sum(member.file_size for member in opened.infolist()) > LARGEST_ARCHIVE:
            sys.exit(f"{archive}: grows beyond {LARGEST_ARCHIVE} bytes; is it the right file?")
        opened.extractall(folder)


def write_cifar10(folder: Path, cache: Path) -> None:
    """Write torchvision's CIFAR-10 as class folders of PNG files."""
    from torchvision.datasets import CIFAR10

    for part in ("train", "test"):
        data = CIFAR10(str(cache / "download"), train=part == "train", download=True)
        for number, (image, label) in enumerate(data):
            place = folder / part / data.classes[label]
            place.mkdir(parents=True, exist_ok=True)
            image.save(place / f"{number:05d}.png")


def find_letter(cache: Path) -> Path:
    """Return the table of letters; the sample is the whole of it."""
    folder = data_folder()
    return folder / "tables" / "letter.csv" if folder is not None else FOLDER.parent / "samples" / "letter.csv"


def find_diamonds(cache: Path) -> Path:
    """Return the table of diamonds."""
    folder = data_folder()
    if folder is None:
        raise FileNotFoundError("diamonds: set CONVERGENT_DATA to a folder with tables/diamonds.csv")
    return folder / "tables" / "diamonds.csv"


RUNS = {
    "fashion": Run("Fashion-MNIST", find_fashion, 600, "accuracy", 0.94, most_memory=2048),
    "cifar10": Run("CIFAR-10", find_cifar10, 1200, "accuracy", 0.92),
    "letter": Run("letter", find_letter, 600, "accuracy", 0.97, ("--target", "lettr")),
    "diamonds": Run("diamonds", find_diamonds, 600, "rmse", 550, ("--target", "price"), at_least=False),
}
HELP = "help"


def train(run: Run, data: Path, seconds: int) -> Done:
    """Train in a process of its own with an empty cache; what it says goes to the screen."""
    with tempfile.TemporaryDirectory() as folder:
        words = convergent("train", str(data), *run.options, "--time-limit", str(seconds), "--out", f"{folder}/run")
        print(" ".join(words), file=sys.stderr)
        start = time.perf_counter()
        process = subprocess.Popen(
            words, env={**os.environ, "CONVERGENT_CACHE": f"{folder}/cache"}, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        if status:
            sys.exit(f"{run.title}: convergent ended with status {os.waitstatus_to_exitcode(status)}")
        result = json.loads((Path(folder) / "run" / "result.json").read_text(encoding="utf-8"))
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Done(result, took, kilobytes * 1024 / MEGABYTE)


def measure(name: str, cache: Path, quick: bool) -> None:
    """Train on one data set and report."""
    run = RUNS[name]
    try:
        data = run.find(cache)
    except FileNotFoundError as error:
        print(f"left out: {error}", file=sys.stderr)
        return
    on = machine()
    limit = 20 if quick else run.seconds
    done = train(run, data, limit)
    score = done.result["test"][run.metric]
    low, high = done.result["test"]["interval"]
    row = [
        f"{run.metric} {score:.4f}", f"{low:.4f} to {high:.4f}", f"{done.result['baseline'][run.metric]:.4f}",
        f"{done.seconds:.0f} of {limit}", f"{done.result['epochs']:.1f}", f"{done.result['parameters']:,}",
        f"{done.megabytes:,.0f} MB", str(done.result["model"]),
    ]  # fmt: skip
    columns = ["test", "95 % interval", "baseline", "seconds", "epochs", "parameters", "peak memory", "model"]
    table = Shown(f"{run.title}: `convergent train` with only --time-limit {limit}", columns, [row])
    aims = [
        Target(f"{run.title}: test {run.metric}", run.aim, score, at_least=run.at_least),
        Target(f"{run.title}: whole run within its time limit", limit, done.seconds, " s", at_least=False),
    ]
    if run.most_memory is not None:
        aims.append(Target(f"{run.title}: peak memory", run.most_memory, done.megabytes, " MB", at_least=False))
    report(f"accuracy-{name}", "accuracy", on, [table], aims, quick=quick)


def measure_help(quick: bool) -> None:
    """Time `convergent --help` and report."""
    on = machine()
    times = []
    for _ in range(3 if quick else 11):
        start = time.perf_counter()
        subprocess.run(convergent("--help"), stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    middle = statistics.median(times)
    rows = [[f"{middle:.3f}", f"{min(times):.3f}", f"{max(times):.3f}"]]
    table = Shown("`convergent --help`", ["median s", "fastest", "slowest"], rows)
    aim = Target("`convergent --help`", 0.5, middle, " s", at_least=False)
    report(f"accuracy-{HELP}", "accuracy", on, [table], [aim], quick=quick)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*RUNS, HELP]
    parser.add_argument("names", nargs="*", choices=[[], *names], default=[], metavar="|".join(names))
    place = Path(tempfile.gettempdir()) / "convergent-benchmarks"
    parser.add_argument("--cache", type=Path, default=place, help="where archives are extracted (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="20 seconds each, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    chosen.cache.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or names:
        if name == HELP:
            measure_help(chosen.quick)
        else:
            measure(name, chosen.cache, chosen.quick)


if __name__ == "__main__":
    main()
