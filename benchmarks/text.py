"""How well texts are classified with the defaults alone: SST-2 sentences from scratch, and SMS spam.

    python benchmarks/text.py [sst2] [sms] [--quick]

Each is one `convergent train DATA` per network, nothing else is given and nothing is tuned for a data set; no network
has seen any text but the training split. The score is the test accuracy in the run's result.json; seconds are those of
the whole process by our clock.

SST-2 (Socher et al. 2013; sentences, two classes, 6,919 / 871 / 1,820) is taken from `sst2/` in the folder that the
environment variable CONVERGENT_DATA names, and left out without it. The messages are `samples/sms.csv`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from common import FOLDER, Shown, Target, convergent, machine, report


class Run(NamedTuple):
    """A network on a data set, and the test accuracy that is expected of it, if any."""

    network: str
    aim: float | None
    options: tuple[str, ...] = ()


SST2 = (
    Run("gru", 0.82),
    Run("lstm", 0.82, ("--model", "lstm")),
    Run("transformer", 0.80, ("--model", "transformer")),
    Run("rnn", None, ("--model", "rnn")),
    Run("bag", None, ("--model", "bag")),
)
SMS = (Run("gru", 0.985), Run("bag", None, ("--model", "bag")))


def sst2_folder() -> Path | None:
    """Return the folder with SST-2's train.tsv, dev.tsv and test.tsv, where there is one."""
    place = os.environ.get("CONVERGENT_DATA")
    folder = Path(place) / "sst2" if place else None
    return folder if folder is not None and folder.is_dir() else None


def train(data: Path, options: tuple[str, ...]) -> tuple[dict[str, Any], float]:
    """Return (result.json, seconds) of a training in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        words = convergent("train", str(data), *options, "--out", f"{folder}/run")
        print(" ".join(words), file=sys.stderr)
        start = time.perf_counter()
        environment = {**os.environ, "CONVERGENT_CACHE": f"{folder}/cache"}
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
        took = time.perf_counter() - start
        return json.loads((Path(folder) / "run" / "result.json").read_text(encoding="utf-8")), took


def measure(name: str, title: str, data: Path, runs: tuple[Run, ...], quick: bool) -> None:
    """Train each network on a data set and report."""
    on = machine()
    rows, aims = [], []
    for run in runs:
        result, seconds = train(data, (*run.options, *(("--max-steps", "20") if quick else ())))
        score, (low, high) = result["test"]["accuracy"], result["test"]["interval"]
        rows.append([
            run.network, f"{score:.4f}", f"{low:.4f} to {high:.4f}", f"{result['baseline']['accuracy']:.4f}",
            f"{result['valid']['accuracy']:.4f}", f"{seconds:.0f}", f"{result['epochs']:.1f}",
            f"{result['parameters']:,}", f"{result['padding_share']:.1%}",
        ])  # fmt: skip
        if run.aim is not None:
            aims.append(Target(f"{title}, {run.network}: test accuracy", run.aim, score))
    columns = ["network", "test", "95 % interval", "baseline", "valid", "seconds", "epochs", "parameters", "padding"]
    table = Shown(f"{title}: `convergent train` with the defaults, from scratch", columns, rows)
    report(f"text-{name}", "text", on, [table], aims, quick=quick)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["sst2", "sms"]
    parser.add_argument("names", nargs="*", choices=[[], *names], default=[], metavar="|".join(names))
    parser.add_argument("--quick", action="store_true", help="20 steps each, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    for name in chosen.names or names:
        if name == "sms":
            measure(name, "SMS spam", FOLDER.parent / "samples" / "sms.csv", SMS, chosen.quick)
            continue
        folder = sst2_folder()
        if folder is None:
            print("left out: SST-2: set CONVERGENT_DATA to a folder with sst2/train.tsv", file=sys.stderr)
        else:
            measure(name, "SST-2", folder, SST2, chosen.quick)


if __name__ == "__main__":
    main()
