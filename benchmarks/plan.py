"""What the measured plan is worth, and what two runs cost each other.

    python benchmarks/plan.py [mlp] [cnn] [resnet] [two-runs] [--rounds N] [--steps N] [--quick]

The chosen plan against plan off (eager float32 in the default layout): both are our own loop with the same network
and batches, in processes that are woken in turns (see workers.py). The speed of a step in floating-point operations
(forward and backward, as torch counts them) stands beside the machine's own matrix-product peak, measured just before.

Two runs: `convergent train` on a sample, alone and then two of them started together, each trial with an empty cache;
the time is from the start to the end of the last one, everything included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import Shown, Target, convergent, machine, report
from contestants import environment
from networks import SHAPES, flops_of_step
from workers import alternate, python, ratio, spread

NAMES = {"mlp": "3-layer MLP", "cnn": "4-layer CNN", "resnet": "residual network of 8 convolutions"}
TWO_RUNS = "two-runs"
TRIALS = 3


def measure(network: str, rounds: int, quick: bool) -> None:
    """Time plan off and plan auto in turns on one network, and report."""
    on = machine()
    commands = {name: (python("contestants.py", name, network), environment(name)) for name in ("ours", "ours-planned")}
    times, said, failed = alternate(commands, rounds)
    for name, reason in failed.items():
        sys.exit(f"{name} on {network}: {reason}")
    planned = said["ours-planned"]
    flops = flops_of_step(network)
    rows = []
    for name, label in (("ours", "off"), ("ours-planned", "auto")):
        ms = statistics.median(times[name])
        speed = flops / ms / 1e6
        share = speed / max(on["float32_gflops"], on["bfloat16_gflops"])
        faster = f"{ratio(times, 'ours', name):.2f}"
        reached = [f"{speed:.1f}", f"{share:.0%}"]
        rows.append([label, said[name]["plan"], f"{ms:.3g}", spread(times[name]), faster, *reached])
    columns = ["plan", "what it is", "ms a step", "middle half", "times as fast", "GFLOP/s", "share of the peak"]
    note = f"{flops / 1e9:.3g} GFLOP a step; {rounds} rounds of {SHAPES[network].steps} steps, in turns."
    tables = [Shown(f"{NAMES[network]}: plan auto against plan off", columns, rows, note), candidates(network, planned)]
    gain = ratio(times, "ours", "ours-planned")
    speed = flops / statistics.median(times["ours-planned"]) / 1e6
    report(f"plan-{network}", "plan", on, tables, targets(network, on, gain, speed), quick=quick)


def candidates(network: str, planned: dict[str, list[dict[str, object]]]) -> Shown:
    """Return the table of what the plan timed."""
    rows = []
    for row in planned["candidates"]:
        ms, times = row["milliseconds"], row["speedup"]
        numbers = [f"{value:.3g}" if isinstance(value, float) else "–" for value in (ms, times, row["loss_difference"])]
        rows.append([str(row["name"]), *numbers, "yes" if row["taken"] else "", str(row["note"])])
    columns = ["candidate", "ms", "times as fast", "loss difference", "taken", "note"]
    return Shown(f"{NAMES[network]}: what the plan timed", columns, rows)


def targets(network: str, on: dict[str, object], gain: float | None, speed: float) -> list[Target]:
    """Return what was aimed at on this machine, and what came out."""
    name = NAMES[network]
    found = [Target(f"{name}: plan auto, times as fast as plan off, anywhere", 0.97, gain)]
    if "avx512_bf16" in (on["instructions"] or []):  # type: ignore[operator]
        found.append(Target(f"{name}: plan auto, times as fast as plan off, with AVX512-BF16", 2.5, gain))
    if network == "cnn":
        float32, bfloat16 = float(on["float32_gflops"]), float(on["bfloat16_gflops"])  # type: ignore[arg-type]
        kind = "bfloat16" if bfloat16 > float32 else "float32"
        share = speed / max(float32, bfloat16)
        note = "" if kind == "bfloat16" else "bfloat16 is slower than float32 here, so float32's peak is the mark"
        found.append(Target(f"{name}: share of the {kind} matrix-product peak", 0.5, share, note=note))
    return found


def run_together(count: int, data: str, steps: int) -> float:
    """Return the seconds until `count` runs are done that were started together, with an empty cache between them."""
    with tempfile.TemporaryDirectory() as folder:
        place = {**os.environ, "CONVERGENT_CACHE": f"{folder}/cache"}
        options = ["--max-steps", str(steps), "--seed", "0"]
        start = time.perf_counter()
        runs = [
            subprocess.Popen(
                convergent("train", data, *options, "--out", f"{folder}/run-{number}"),
                env=place, stdout=subprocess.DEVNULL, stderr=(Path(folder) / f"{number}.txt").open("w"),
            )
            for number in range(count)
        ]  # fmt: skip
        statuses = [run.wait() for run in runs]
        seconds = time.perf_counter() - start
        if any(statuses) or not (Path(folder) / "run-0" / "result.json").is_file():
            sys.exit((Path(folder) / "0.txt").read_text())
    return seconds


def two_runs(data: str, steps: int, quick: bool) -> None:
    """Time one run and two together, in turns, and report."""
    on = machine()
    times: dict[str, list[float]] = {"one": [], "two": []}
    for _ in range(1 if quick else TRIALS):
        times["one"].append(run_together(1, data, steps))
        times["two"].append(run_together(2, data, steps))
    by = ratio(times, "two", "one")
    rows = [
        [label, f"{statistics.median(times[name]):.1f}", ", ".join(f"{value:.1f}" for value in times[name])]
        for name, label in (("one", "one alone"), ("two", "two together"))
    ]
    table = Shown(f"`convergent train {data} --max-steps {steps}`", ["runs", "seconds", "each trial"], rows)
    aim = Target("two runs started together, by the time of one", 2.2, by, at_least=False)
    report(f"plan-{TWO_RUNS}", "plan", on, [table], [aim], quick=quick)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *NAMES, TWO_RUNS], default=[], metavar="mlp|cnn|resnet|two-runs"
    )
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--data", default="sample:fashion", help="what the two runs train on")
    parser.add_argument("--steps", type=int, default=600, help="steps of each of the two runs")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it runs; writes nothing")
    chosen = parser.parse_args()
    for part in chosen.parts or [*NAMES, TWO_RUNS]:
        if part == TWO_RUNS:
            two_runs(chosen.data, 5 if chosen.quick else chosen.steps, chosen.quick)
        else:
            measure(part, 2 if chosen.quick else chosen.rounds, chosen.quick)


if __name__ == "__main__":
    main()
