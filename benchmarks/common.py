"""What all benchmarks share: the machine they ran on, tables on the screen, results as JSON and as one page.

A result is measured once and written to `results/NAME.json`; RESULTS.md is made from these files alone, so no figure
of it was typed by hand.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent
ORDER = ("accuracy", "text", "translation", "language", "overhead", "plan", "input", "doctor", "treatment")
PEAK_SECONDS = 1.5
LARGEST_PROBE_SECONDS = 0.15
CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "sve")


class Target(NamedTuple):
    """What was aimed at, what came out, and whether it holds; `measured` None is not measured."""

    what: str
    aim: float
    measured: float | None
    unit: str = ""
    at_least: bool = True
    note: str = ""

    def met(self) -> bool | None:
        """Return whether the target is met, or None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.aim if self.at_least else self.measured <= self.aim


class Shown(NamedTuple):
    """A table as it is printed and kept: a title, columns, rows of text, and what to know about it."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


def peak(dtype: torch.dtype) -> float:
    """Return the best speed of a square matrix product, in 1e9 floating-point operations a second.

    The side doubles only while a product is quick: where a type is emulated (bfloat16 on a CPU without its
    instructions) a large product would take minutes.
    """
    best, side, until = 0.0, 64, time.perf_counter() + PEAK_SECONDS
    a = torch.randn(side, side).to(dtype)
    while time.perf_counter() < until:
        start = time.perf_counter()
        a @ a
        seconds = time.perf_counter() - start
        best = max(best, 2 * side**3 / seconds / 1e9)
        if side < 2048 and 10 * seconds < LARGEST_PROBE_SECONDS:
            side *= 2
            a = torch.randn(side, side).to(dtype)
    return best


def machine() -> dict[str, Any]:
    """Return what a reader must know to judge a time: processor, cores, memory, instructions, versions, peaks."""
    features = set(_cpuinfo("flags", "Features").split())
    return {
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "instructions": [name for name in CPU_FEATURES if name in features],
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "float32_gflops": round(peak(torch.float32), 1),
        "bfloat16_gflops": round(peak(torch.bfloat16), 1),
        "load_before": round(os.getloadavg()[0], 2),
    }


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpuinfo(*names: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.split("\t")[0].strip() in names), "")


def commit() -> str:
    """Return the commit of the working copy, with `+` where it has changes; nothing outside of one."""
    command = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def convergent(*words: str) -> list[str]:
    """Return the command line `convergent WORDS` for this Python."""
    return [sys.executable, "-c", "from convergent.cli import main; raise SystemExit(main())", *words]


def show(table: Shown) -> None:
    """Print a table."""
    drawn = Table(*table.columns, title=table.title, caption=table.note, title_justify="left", caption_justify="left")
    for row in table.rows:
        drawn.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 150).print(drawn)


def targets_table(targets: Sequence[Target]) -> Shown:
    """Return the table that says plainly what holds and what does not."""
    rows = []
    for target in targets:
        verdict = {True: "yes", False: "**no**", None: "not measured"}[target.met()]
        measured = "–" if target.measured is None else f"{target.measured:.4g}{target.unit}"
        aim = f"{'at least' if target.at_least else 'at most'} {target.aim:g}{target.unit}"
        rows.append([target.what, aim, measured, verdict, target.note])
    return Shown("Targets", ["what", "target", "measured", "met?", "note"], rows)


def report(
    name: str, benchmark: str, on: dict[str, Any], tables: Sequence[Shown], targets: Sequence[Target], *, quick: bool
) -> None:
    """Print what was measured; unless it was a quick try, write `results/NAME.json` and RESULTS.md anew."""
    for table in [*tables, targets_table(targets)]:
        show(table)
    if quick:
        print("quick: these settings are too small to measure anything; nothing is written")
        return
    record = {
        "benchmark": benchmark,
        "command": shlex.join(["python", *_relative(sys.argv)]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": on,
        "tables": [table._asdict() for table in tables],
        "targets": [target._asdict() for target in targets],
    }
    path = FOLDER / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_results_page()


def _relative(words: list[str]) -> list[str]:
    """Return the command without the paths of this machine: an absolute one by its name alone."""
    return [f"benchmarks/{Path(words[0]).name}", *(Path(w).name if w.startswith("/") else w for w in words[1:])]


def write_results_page() -> Path:
    """Write RESULTS.md from all files in `results/` and return its path."""
    files = sorted((FOLDER / "results").glob("*.json"), key=lambda path: (_order(path), path.name))
    records = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    lines = ["# Results of the benchmarks", ""]
    lines += ["Made by the benchmarks from `results/*.json`; not to be edited. README.md says how to run them.", ""]
    targets = [Target(**target) for record in records for target in record["targets"]]
    lines += ["## What was aimed at, and what came out", "", *markdown(targets_table(targets)), *_summary(targets), ""]
    for path, record in zip(files, records, strict=True):
        lines += [f"## {path.stem}", "", *_provenance(record), ""]
        for table in record["tables"]:
            lines += [*markdown(Shown(**table)), ""]
    page = FOLDER / "RESULTS.md"
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return page


def _order(path: Path) -> int:
    first = path.stem.split("-")[0]
    return ORDER.index(first) if first in ORDER else len(ORDER)


def _summary(targets: Sequence[Target]) -> list[str]:
    short = [target.what for target in targets if target.met() is False]
    unknown = [target.what for target in targets if target.met() is None]
    lines = ["", f"**Falls short:** {'; '.join(short)}." if short else "Nothing that was measured falls short."]
    return [*lines, "", f"**Not measured:** {'; '.join(unknown)}."] if unknown else lines


def _provenance(record: dict[str, Any]) -> list[str]:
    on = record["machine"]
    instructions = ", ".join(on["instructions"]) or "unknown"
    return [
        f"`{record['command']}`, {record['date']}, commit {record['commit'] or 'unknown'}.",
        f"{on['processor']}, {on['cores']} cores, {on['memory_gb']} GB; torch capability {on['capability']} "
        f"({instructions}); matrix products reach {on['float32_gflops']} GFLOP/s in float32 and "
        f"{on['bfloat16_gflops']} in bfloat16; load before the start {on['load_before']}.",
        f"torch {on['torch']}, Python {on['python']}, {on['system']}.",
    ]


def markdown(table: Shown) -> list[str]:
    """Return a table as lines of Markdown."""
    lines = [f"**{table.title}**", "", "| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table.rows]
    return [*lines, "", table.note] if table.note else lines


if __name__ == "__main__":
    print(write_results_page())
