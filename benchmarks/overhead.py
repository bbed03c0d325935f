"""What a step of our loop costs beside a bare loop written by hand, and beside the peers'.

    python benchmarks/overhead.py [mlp] [cnn] [--rounds N] [--only NAME ...] [--quick]

Each contestant is a process; they are woken in turns for a block of steps (see workers.py), so all are timed in one
run of this benchmark and never two at once. A block is timed by the clock on the wall, from its first batch to its
last step: everything that happens between is in it, the batches, the journal and the live display. Evaluations and
checkpoints are not: they are no part of a step. `ratio` is the median over the rounds of the contestant's time by the
bare loop's in the same round. Plan off has the bare loop's precision, layout and optimiser, so its ratio is overhead
alone. The plan is chosen for a run of a million MLP steps or 20,000 CNN steps; what choosing and compiling took
stands beside it.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics

from common import Shown, Target, machine, report
from contestants import CONTESTANTS, LABELS, environment
from networks import SHAPES
from workers import alternate, python, ratio, spread

PACKAGES = {
    "skorch": ["skorch"], "lightning": ["lightning"], "keras-torch": ["keras"],
    "keras-tensorflow": ["keras", "tensorflow"], "keras-jax": ["keras", "jax"],
}  # fmt: skip
NAMES = {"mlp": "3-layer MLP, width 64, batch 64", "cnn": "4-layer CNN, 32×32, batch 64"}


def installed(name: str) -> bool:
    """Return whether what a contestant needs is there."""
    return all(importlib.util.find_spec(package) for package in PACKAGES.get(name, []))


def measure(network: str, names: list[str], rounds: int, quick: bool) -> None:
    """Time the contestants on one network and report."""
    on = machine()
    there = [name for name in names if installed(name)]
    commands = {name: (python("contestants.py", name, network), environment(name)) for name in there}
    times, said, failed = alternate(commands, rounds)
    failed |= {name: f"{' and '.join(PACKAGES[name])} not installed" for name in names if name not in there}
    rows = []
    for name in names:
        if name in failed:
            rows.append([LABELS[name], "–", "–", "–", failed[name][:120]])
            continue
        by = ratio(times, name, "bare")
        shown = f"{by:.2f}" if by is not None else "–"
        ms = f"{statistics.median(times[name]):.3g}"
        rows.append([LABELS[name], ms, spread(times[name]), shown, describe(said[name])])
    note = f"{rounds} rounds of blocks of {SHAPES[network].steps} steps, in turns; middle half of the rounds beside."
    table = Shown(f"{NAMES[network]}: a step", ["who", "ms", "middle half", "ratio to bare", "note"], rows, note)
    report(f"overhead-{network}", "overhead", on, [table], targets(network, times), quick=quick)


def describe(said: dict[str, object]) -> str:
    """Return what is to be said of a plan: what it is, what choosing took, and the first step with its compiling."""
    if not said.get("candidates"):
        return ""
    return (
        f"{said['plan']}; chosen in {said['plan_seconds']:.1f} s, first step after {said['first_step_seconds']:.1f} s"
    )


def targets(network: str, times: dict[str, list[float]]) -> list[Target]:
    """Return what was aimed at, and what came out."""
    off = ratio(times, "ours", "bare")
    if network == "cnn":
        return [Target("CNN step of our loop by the bare loop's", 1.03, off, at_least=False)]
    return [
        Target("MLP step of our loop, plan off, by the bare loop's", 1.25, off, at_least=False),
        Target("MLP step of our loop, plan auto, by the bare loop's", 0.4, ratio(times, "ours-planned", "bare"),
               at_least=False),
        Target("MLP step of our loop, plan auto, by Keras on JAX's", 1.0, ratio(times, "ours-planned", "keras-jax"),
               at_least=False),
    ]  # fmt: skip


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[[], *NAMES], default=[], metavar="mlp|cnn")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    for network in chosen.networks or NAMES:
        measure(network, chosen.only, 2 if chosen.quick else chosen.rounds, chosen.quick)


if __name__ == "__main__":
    main()
