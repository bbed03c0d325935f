"""How well captions are translated with the defaults alone: Multi30k, English to German.

    python benchmarks/translation.py [transformer] [gru] [--quick]

Each is one `convergent train DATA --model NETWORK --time-limit SECONDS`, 2,340 for the Transformer and 1,500 for the
GRU, where both are allowed 2,400 with the start and the end of the process; nothing else is given, and the networks
have read nothing but the training split. The score is BLEU (sacrebleu, 13a, mixed case) of the 1,000 captions of test
2016 by beam search, as in the run's result.json; seconds are those of the whole process by our clock.

Multi30k (Elliott et al. 2016, https://aclanthology.org/W16-3210; 29,000 / 1,014 / 1,000 pairs) is taken from
`multi30k-en-de/` in the folder that the environment variable CONVERGENT_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Shown, Target, convergent, machine, report

ALLOWED, QUICK_SECONDS = 2_400, 60
SECONDS = {"transformer": 2_340, "gru": 1_500}
AIMS = {"transformer": 33.0, "gru": 28.0}
SHOWN = 6


def train(data: Path, network: str, seconds: int) -> tuple[dict[str, Any], list[list[str]], float]:
    """Return (result.json, a few translations beside their references, seconds) of a training of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = convergent("train", str(data), "--model", network, "--time-limit", str(seconds), "--out", f"{folder}/r")
        print(" ".join(words), file=sys.stderr)
        start = time.perf_counter()
        environment = {**os.environ, "CONVERGENT_CACHE": f"{folder}/cache"}
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
        took = time.perf_counter() - start
        run = Path(folder) / "r"
        panels = json.loads((run / "panels.json").read_text(encoding="utf-8"))
        rows = next(panel["data"]["rows"] for panel in panels if panel["title"] == "Sample translations")
        return json.loads((run / "result.json").read_text(encoding="utf-8")), rows[:SHOWN], took


def measure(network: str, data: Path, quick: bool) -> None:
    """Train a network and report."""
    on = machine()
    limit = QUICK_SECONDS if quick else SECONDS[network]
    result, samples, seconds = train(data, network, limit)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    test, (low, high) = result["test"], result["test"]["interval"]
    row = [
        f"{test['bleu']:.2f}", f"{low:.2f} to {high:.2f}", f"{test['chrf']:.2f}", f"{result['baseline']['bleu']:.2f}",
        f"{test['perplexity']:.2f}", f"{seconds:.0f} of {limit}", f"{result['epochs']:.1f}",
        f"{result['parameters']:,}", f"{result['padding_share']:.1%}", f"{megabytes:,.0f} MB",
    ]  # fmt: skip
    columns = ["BLEU", "95 % interval", "chrF", "baseline", "perplexity", "seconds", "epochs", "parameters", "padding"]
    tables = [
        Shown(f"Multi30k English-German, test 2016: {network}", [*columns, "peak memory"], [row]),
        Shown("Some of its translations", ["pair", "sentence", "translation", "reference", "chrF"],
              [[str(cell) for cell in cells] for cells in samples], "At equal distances of the test split."),
    ]  # fmt: skip
    title = f"Multi30k, {network}"
    aims = [
        Target(f"{title}: BLEU on test 2016", AIMS[network], test["bleu"]),
        Target(f"{title}: seconds", ALLOWED, seconds, " s", at_least=False),
    ]
    report(f"translation-{network}", "translation", on, tables, aims, quick=quick)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *AIMS], default=[], metavar="|".join(AIMS))
    parser.add_argument("--quick", action="store_true", help="a minute each, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    place = os.environ.get("CONVERGENT_DATA")
    data = Path(place) / "multi30k-en-de" if place else None
    if data is None or not data.is_dir():
        print("left out: Multi30k: set CONVERGENT_DATA to a folder with multi30k-en-de/train.tsv", file=sys.stderr)
        return
    for name in chosen.names or AIMS:
        measure(name, data, chosen.quick)


if __name__ == "__main__":
    main()
