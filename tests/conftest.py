"""What the tests share: a cache of their own, small real data, and the command line as a process."""

from __future__ import annotations

import atexit
import csv
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

os.environ["KERAS_BACKEND"] = "torch"  # Keras's own default, TensorFlow, is not installed

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests away from the user's cache of plans and decoded images."""
    os.environ["CONVERGENT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def few_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an npz of 480 training and 100 test images of the Fashion-MNIST sample."""
    path = tmp_path_factory.mktemp("data") / "few.npz"
    with np.load(SAMPLES / "fashion.npz", allow_pickle=False) as full:
        arrays = {name: full[name] for name in full.files}
    np.savez(
        path,
        x_train=arrays["x_train"][:480],
        y_train=arrays["y_train"][:480],
        x_test=arrays["x_test"][:100],
        y_test=arrays["y_test"][:100],
        classes=arrays["classes"],
    )
    return path


@pytest.fixture(scope="session")
def few_messages(few_images: Path) -> Path:
    """Return the first 300 rows of the sample of short messages, beside the few images."""
    path = few_images.with_name("few.csv")
    with (SAMPLES / "sms.csv").open(encoding="utf-8", newline="") as whole, path.open("w", encoding="utf-8") as few:
        rows = list(csv.reader(whole))[:301]
        csv.writer(few).writerows(rows)
    return path


def command(*words: str | Path) -> list[str]:
    """Return the command line as it is started in a process of its own."""
    return [sys.executable, "-c", "import sys; from convergent.cli import main; sys.exit(main())", *map(str, words)]


@functools.cache
def forks() -> subprocess.Popen[str]:
    """Return the process that runs command lines in forks of itself: they need not import anything."""
    script = Path(__file__).parent / "forks.py"
    # Waiting threads that spin slow down what runs beside; the command line sets this before torch is there.
    environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
    process = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def end() -> None:
        process.kill()
        process.communicate()

    atexit.register(end)
    return process


class Forked:
    """A command line that runs in a process of its own; at `at` it kills itself (see `forks.py`)."""

    def __init__(self, *words: str | Path, cwd: Path | None = None, at: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.words = [str(word) for word in words]
        streams = {"out": str(self.folder / "out"), "err": str(self.folder / "err")}
        job = {"words": self.words, "cwd": str(cwd or Path.cwd()), "at": at, **streams}
        process = forks()
        assert process.stdin is not None and process.stdout is not None
        print(json.dumps(job), file=process.stdin, flush=True)
        self.pid = int(process.stdout.readline())

    def done(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end and return what was printed, and the exit status."""
        stdout = forks().stdout
        assert stdout is not None
        status = int(stdout.readline())
        said, complained = (path.read_text() for path in (self.folder / "out", self.folder / "err"))
        shutil.rmtree(self.folder)
        return subprocess.CompletedProcess(self.words, status, said, complained)


def run_command(*words: str | Path, cwd: Path | None = None, at: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line and return what it printed and its exit status."""
    return Forked(*words, cwd=cwd, at=at).done()
