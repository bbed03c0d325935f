"""How many trainings with a known fault the doctor diagnoses, how often it cries over healthy ones, and what it costs.

    python benchmarks/doctor.py cases FOLDER ... [--jobs N] [--seed N] [--only ID ...] [--split NAME ...] [--fixed]
    python benchmarks/doctor.py overhead [--rounds N] [--quick]

A folder of cases holds `cases/*.py` (whole programs), `fixed/*.py` (the same without the fault; or the programs take it
out themselves where CASE_FIXED is 1, and `labels.yaml` says `twins: environment`) and `labels.yaml`: what must be
found, what may be found besides, and which cases are healthy. Every program runs unchanged under `convergent diagnose`.
A case counts as diagnosed where each group of codes that must be found is among the first three findings. Intervals are
Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from common import Shown, Target, convergent, machine, report
from networks import SHAPES, make_network

if TYPE_CHECKING:
    from convergent import Doctor

TOP = 3
LOUD = ("warning", "critical")
TIMEOUT = 180.0
MEMORY_EPOCH = 20
MEMORY_EPOCHS = 3
MALLOC: dict[str, dict[str, str]] = {"as it is": {}, "large blocks returned": {"MALLOC_MMAP_THRESHOLD_": str(2**20)}}
"""With large blocks returned at once, what is left is what the program holds, not where small blocks came to lie."""
Findings = list[dict[str, Any]]


class Outcome(NamedTuple):
    """One program under the doctor."""

    case: str
    kind: str
    """`buggy`, `healthy` or `fixed`."""
    findings: Findings
    error: str


def diagnose(script: Path, kind: str, seed: int) -> Outcome:
    """Run one program under the doctor."""
    fixed = {"CASE_FIXED": "1"} if kind == "fixed" else {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "findings.json"
        environment = os.environ | {"SEED": str(seed), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"} | fixed
        command = convergent("diagnose", "--json", str(target), script.name)
        try:
            done = subprocess.run(
                command,
                cwd=script.parent,
                env=environment,
                timeout=TIMEOUT,
                capture_output=True,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(script.stem, kind, [], f"more than {TIMEOUT:.0f} s")
        if not target.exists():
            said = done.stderr.strip().splitlines()
            return Outcome(script.stem, kind, [], said[-1][:200] if said else "no findings were written")
        error = "stepped aside" if "the doctor stepped aside" in done.stderr or "'s rule" in done.stderr else ""
        return Outcome(script.stem, kind, json.loads(target.read_text())["findings"], error)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not total:
        return 0.0, 1.0
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def codes(findings: Findings, loud: bool = False) -> list[str]:
    """Return the codes in order, each once."""
    return list(dict.fromkeys(f["code"] for f in findings if not loud or f["severity"] in LOUD))


class Score(NamedTuple):
    """Counts over a folder."""

    buggy: int
    top: int
    first: int
    healthy: int
    alarms: int
    fixed: int
    fixed_alarms: int
    extra: float
    warnings: float


def score(labels: dict[str, Any], outcomes: Sequence[Outcome]) -> Score:
    """Return how many cases are diagnosed, and how many alarms are false."""
    always = set(labels["always_may_find"])
    found = {(one.case, one.kind): one.findings for one in outcomes}
    top = first = 0
    extra: list[int] = []
    for (case, kind), mine in found.items():
        if kind != "buggy":
            continue
        label = labels["cases"][case]
        must = [set(group) for group in label["must_find_any"]]
        wanted = set().union(*must)
        top += all(group & set(codes(mine)[:TOP]) for group in must)
        first += bool(codes(mine)) and codes(mine)[0] in wanted
        extra.append(len(set(codes(mine, loud=True)) - wanted - set(label["may_find"]) - always))
    counts = {k: [one for one in outcomes if one.kind == k] for k in ("buggy", "healthy", "fixed")}
    alarms = {k: sum(any(f["severity"] == "critical" for f in o.findings) for o in v) for k, v in counts.items()}
    warnings = [
        sum(
            f["severity"] == "warning" and f["code"] not in always | set(labels["cases"][o.case]["may_find"])
            for f in o.findings
        )
        for o in counts["healthy"]
    ]
    return Score(
        len(extra), top, first, len(counts["healthy"]), alarms["healthy"], len(counts["fixed"]), alarms["fixed"],
        mean(extra) if extra else 0.0, mean(warnings) if warnings else 0.0,
    )  # fmt: skip


def run_cases(folders: list[Path], chosen: argparse.Namespace) -> None:
    """Diagnose every program of the folders, and report."""
    on = machine()
    tables, targets = [], []
    for folder in folders:
        labels = yaml.safe_load((folder / "labels.yaml").read_text(encoding="utf-8"))
        split = [c for c in sorted(labels["cases"]) if in_split(labels["cases"][c], chosen.split)]
        jobs = [(folder / "cases" / f"{c}.py", labels["cases"][c]["label"]) for c in split]
        if chosen.fixed and labels.get("twins") == "environment":
            jobs += [(script, "fixed") for script, kind in jobs if kind == "buggy"]
        elif chosen.fixed:
            jobs += [(p, "fixed") for p in sorted((folder / "fixed").glob("[!_]*.py")) if p.stem in split]
        jobs = [job for job in jobs if not chosen.only or job[0].stem in chosen.only]
        with ThreadPoolExecutor(chosen.jobs) as pool:
            outcomes = list(pool.map(lambda job: diagnose(*job, chosen.seed), jobs))
        result = score(labels, outcomes)
        name = " ".join([folder.resolve().name, *chosen.split])
        tables += [cases_table(name, labels, outcomes), summary_table(name, result)]
        targets += score_targets(name, result)
    names = [f.resolve().name for f in folders] + chosen.split
    report(f"doctor-{'-'.join(names)}", "doctor", on, tables, targets,
           quick=chosen.quick or bool(chosen.only))  # fmt: skip


def in_split(label: dict[str, Any], chosen: list[str]) -> bool:
    """Return whether a case is of a part that was chosen; all are where none was."""
    return not chosen or label.get("split", "first") in chosen


def cases_table(name: str, labels: dict[str, Any], outcomes: Sequence[Outcome]) -> Shown:
    """Return one row a program."""
    rows = []
    for one in outcomes:
        must = [set(group) for group in labels["cases"][one.case]["must_find_any"]]
        hit = all(group & set(codes(one.findings)[:TOP]) for group in must)
        critical = any(f["severity"] == "critical" for f in one.findings)
        verdict = ("yes" if hit else "**no**") if one.kind == "buggy" else ("**alarm**" if critical else "quiet")
        shown = ", ".join(
            f"{f['code']}{'!' if f['severity'] == 'critical' else ''}" for f in one.findings if f["severity"] in LOUD
        )
        rows.append([one.case, one.kind, verdict, shown[:160], one.error])
    return Shown(f"Cases of {name}", ["case", "kind", "diagnosed", "warnings and critical (!) findings", "error"], rows)


def summary_table(name: str, result: Score) -> Shown:
    """Return the shares with their intervals."""

    def row(what: str, hits: int, total: int) -> list[str]:
        low, high = wilson(hits, total)
        return [what, f"{hits} / {total}", f"{hits / max(1, total):.1%}", f"{low:.1%} to {high:.1%}"]

    rows = [
        row("diagnosed among the first three", result.top, result.buggy),
        row("first finding right", result.first, result.buggy),
        row("healthy with a critical finding", result.alarms, result.healthy),
        row("fixed with a critical finding", result.fixed_alarms, result.fixed),
        ["findings beyond the expected, a buggy case", f"{result.extra:.2f}", "", ""],
        ["unexpected warnings, a healthy case", f"{result.warnings:.2f}", "", ""],
    ]
    return Shown(f"Scores on {name}", ["what", "count", "share", "95 % interval"], rows)


def score_targets(name: str, result: Score) -> list[Target]:
    """Return what was aimed at, and what came out."""
    quiet, alarms = result.healthy + result.fixed, result.alarms + result.fixed_alarms
    return [
        Target(f"{name}: diagnosed among the first three", 90, 100 * result.top / max(1, result.buggy), " %"),
        Target(f"{name}: first finding right", 75, 100 * result.first / max(1, result.buggy), " %"),
        Target(f"{name}: critical false alarms", 3, 100 * alarms / max(1, quiet), " %", at_least=False),
        Target(f"{name}: findings beyond the expected, a buggy case", 1, result.extra, at_least=False),
    ]


class Peak(NamedTuple):
    """The largest resident memory of a process, in MB."""

    training: float
    """Up to the end of the training."""
    whole: float
    """With the doctor's experiments at the end."""


class PairTime(NamedTuple):
    """What a bare and a watched training took in one process."""

    bare: float
    """Milliseconds a step."""
    watched: float
    once: float
    """Seconds more in the first block."""
    ratio: float


def time_pair(network: str, rounds: int) -> PairTime:
    """Time a bare loop and a watched one in one process of its own, block by block in turns."""
    command = [sys.executable, __file__, "pair", network, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return PairTime(**json.loads(done.stdout.splitlines()[-1]))


def train_steps(network: str, batches: int, watched: bool) -> Iterator[Doctor | None]:
    """Train for ever on so many batches as in torch's tutorials; give the doctor, if there is one, after each step."""
    import torch

    import convergent as cv
    from networks import make_data

    torch.manual_seed(0)
    model, (inputs, targets) = make_network(network), make_data(network, batches)
    optimizer = torch.optim.AdamW(model.parameters())
    doctor = cv.Doctor(model, optimizer) if watched else None
    while True:
        for rows in torch.randperm(len(inputs)).split(SHAPES[network].batch_size):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            if doctor is not None:
                doctor.step(loss)
            yield doctor


def run_pair(network: str, rounds: int) -> None:
    """Train both in this process in turns, and print what a step took of each.

    Which pages its memory lies on makes the steps of one process up to a fifth faster than another's for as long as
    both live, watched or not: only within one process are they alike.
    """
    steps = SHAPES[network].steps
    loops = {watched: train_steps(network, steps, watched) for watched in (False, True)}
    times: dict[bool, list[float]] = {False: [], True: []}
    warm_up = train_steps(network, steps, False)  # what torch does once is neither's
    for _ in range(steps):
        next(warm_up)
    for number in range(rounds + 1):
        for watched in (False, True) if number % 2 == 0 else (True, False):
            started = time.perf_counter()
            for _ in range(steps):
                next(loops[watched])
            times[watched].append((time.perf_counter() - started) / steps * 1e3)
    bare, watched_times = times[False], times[True]
    by = median(b / a for a, b in list(zip(bare, watched_times, strict=True))[1:])
    once = (watched_times[0] - bare[0]) * steps / 1e3
    print(json.dumps(PairTime(median(bare[1:]), median(watched_times[1:]), once, by)._asdict()))


def run_overhead(chosen: argparse.Namespace) -> None:
    """Time a bare loop with and without the doctor, and compare peak memory.

    The ratio is the median over several processes, each of which trains both in turns.

    The first block of steps, in which the doctor looks at most of them, is not in the ratio: what it costs once is told
    in seconds. The experiments at the end have their own time limit: they are in the memory, but in no step's time.
    """
    on = machine()
    rows, memory, targets = [], [], []
    for network, aim in (("cnn", 1.03), ("mlp", 1.25)):
        pairs = [time_pair(network, chosen.rounds) for _ in range(chosen.pairs)]
        by, steps = median(pair.ratio for pair in pairs), SHAPES[network].steps
        bare, watched = median(pair.bare for pair in pairs), median(pair.watched for pair in pairs)
        once = median(pair.once for pair in pairs)
        ratios = ", ".join(f"{value:.3f}" for value in sorted(pair.ratio for pair in pairs))
        rows.append([network, f"{bare:.3g}", f"{watched:.3g}", f"{by:.3f}", ratios, f"{once:.2f} s in {steps} steps"])
        targets.append(Target(f"{network} step under the doctor by the bare loop's", aim, by, at_least=False))
        for title, settings in MALLOC.items():
            growth, row = compare_memory(network, settings, chosen.rounds)
            memory.append([network, title, *row])
            if not settings:
                what = f"{network}: memory beyond the unwatched run's"
                targets.append(Target(what, 2, growth, " %", at_least=False))
    tables = [
        Shown(
            "The doctor's cost",
            ["network", "bare ms", "watched ms", "ratio", "by process", "more in the first block"],
            rows,
        ),
        Shown(
            "Peak resident memory, MB (medians)",
            ["network", "malloc", "bare", "watched, training", "growth", "watched, with the experiments", "growth"],
            memory,
            "Both processes import the same modules.",
        ),
    ]
    report("doctor-overhead", "doctor", on, tables, targets, quick=chosen.quick)


def compare_memory(network: str, settings: dict[str, str], rounds: int) -> tuple[float, list[str]]:
    """Return the growth of the whole run's peak in %, and the cells of a row."""
    peaks: dict[bool, list[Peak]] = {True: [], False: []}
    for _ in range(rounds):  # where freed blocks fit again is chance: peaks of equal processes differ by a few per cent
        for watched, mine in peaks.items():
            mine.append(peak_memory(network, watched, settings))
    bare = median(peak.whole for peak in peaks[False])
    training, whole = median(peak.training for peak in peaks[True]), median(peak.whole for peak in peaks[True])
    grown = [100 * (value / bare - 1) for value in (training, whole)]
    cells = [f"{bare:.0f}", f"{training:.0f}", f"{grown[0]:.1f} %", f"{whole:.0f}", f"{grown[1]:.1f} %"]
    return grown[1], cells


def peak_memory(network: str, watched: bool, settings: dict[str, str]) -> Peak:
    """Return the peaks of a process that trains a few epochs."""
    command = [sys.executable, __file__, "memory", network, "watched" if watched else "bare"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | settings)
    return Peak(*(float(word) / 1024 for word in done.stdout.split()[-2:]))


def run_memory(network: str, watched: bool) -> None:
    """Train in this process, and print its peak memory after the training and at the end, in KB."""
    import convergent.doctor.diagnose  # noqa: F401  (the bare process holds the doctor's modules too)

    loop, doctor = train_steps(network, MEMORY_EPOCH, watched), None
    for _ in range(MEMORY_EPOCHS * MEMORY_EPOCH):
        doctor = next(loop)
    training = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if doctor is not None:
        doctor.close()
    print(training, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Run what was chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="what", required=True)
    cases = verbs.add_parser("cases")
    cases.add_argument("folders", nargs="+", type=Path)
    cases.add_argument("--jobs", type=int, default=2)
    cases.add_argument("--seed", type=int, default=0)
    cases.add_argument("--only", nargs="*", default=[])
    cases.add_argument("--split", nargs="*", default=[], help="parts of the labels, such as held-out")
    cases.add_argument("--fixed", action="store_true", help="run the fixed programs too")
    cases.add_argument("--quick", action="store_true", help="print only")
    overhead = verbs.add_parser("overhead")
    overhead.add_argument("--rounds", type=int, default=9)
    overhead.add_argument("--pairs", type=int, default=5, help="processes, each timed so many rounds")
    overhead.add_argument("--quick", action="store_true", help="print only")
    pair = verbs.add_parser("pair")
    pair.add_argument("network")
    pair.add_argument("rounds", type=int)
    memory = verbs.add_parser("memory")
    memory.add_argument("network")
    memory.add_argument("watched")
    chosen = parser.parse_args()
    if chosen.what == "cases":
        run_cases(chosen.folders, chosen)
    elif chosen.what == "pair":
        run_pair(chosen.network, chosen.rounds)
    elif chosen.what == "overhead":
        run_overhead(chosen)
    else:
        run_memory(chosen.network, chosen.watched == "watched")


if __name__ == "__main__":
    main()
