"""How much of the gap between a broken and a mended training the treatment closes, beside random remedies.

    python benchmarks/treatment.py FOLDER [--seeds N] [--only ID ...] [--quick] [--processes N] [--resume FILE]

A folder of cases holds `cases/*.py` and `fixed/*.py`, each with the functions `model`, `loss`, `optimizer`, `data` and
`score`, and BATCH and EPOCHS. The four are handed to `cv.Trainer` with that batch size and those epochs: untreated,
treated, with random remedies at the same budget, and the fixed one. Faults of the loop (no zero_grad) are gone with
the loop, and so is their gap. A case counts as repaired where the median over the seeds closes 80 % of the gap. Steps
are counted where they are made, trials included, by the samples in them. With --resume what is done stands in FILE, and
is not done again: the file is of one state of the code.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import math
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
import yaml

import convergent as cv
from common import Shown, Target, machine, report
from convergent.engine.step import EagerStep
from convergent.treat import treatment as treating
from convergent.treat.candidates import MOST_CANDIDATES, candidates
from convergent.treat.patient import Patient
from convergent.treat.remedies import TREATS
from convergent.treat.remedies.remedy import Case
from convergent.types import Batch, Finding, UserError

CLOSES, LEAST_GAP = 0.8, 0.03
BEYOND_REPAIR = {
    "data/labels-shuffled",
    "setup/samples-mix-in-batch",
    "setup/future-leak",
    "data/label-leaking-feature",
}
"""What only the user can mend: nothing outside of the code can tell what was meant."""


class Outcome(NamedTuple):
    """One training: its score, what was kept, and all steps by those of a whole training."""

    score: float
    kept: str
    share: float


def load(path: Path) -> Any:
    """Return a case as a module; its folder is on the path while it is read."""
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def train(case: Any, seed: int, treat: str) -> Outcome:
    """Train a case and score it by its own metric."""
    torch.manual_seed(seed)
    x_train, y_train, x_valid, y_valid = case.data()
    model = case.model()
    config = cv.Config(batch_size=case.BATCH, epochs=case.EPOCHS, seed=seed, plan="off")
    trainer = cv.Trainer(model, loss=case.loss, optimizer=case.optimizer(model), config=config)
    size = min(case.BATCH, len(x_train))
    whole = len(x_train) // size * size * case.EPOCHS
    try:
        with counted() as seen, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = trainer.fit((x_train, y_train), (x_valid, y_valid), treat=treat)
    except UserError:  # diverged, and nothing helped
        return Outcome(math.nan, "diverged", sum(seen) / whole)
    with torch.no_grad():
        outputs = torch.cat([result.model(part) for part in x_valid.split(500)])
    kept = [name for one in result.treatments for name in one["kept"]]
    return Outcome(case.score(outputs, y_valid), ", ".join(kept), sum(seen) / whole)


@contextlib.contextmanager
def counted() -> Iterator[list[int]]:
    """Give the samples of every step that is made, by whichever training."""
    seen: list[int] = []
    step = EagerStep.__call__

    def counting(self: EagerStep, batch: Batch, *args: Any) -> Any:
        seen.append(len(batch.targets))
        return step(self, batch, *args)

    EagerStep.__call__ = counting  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        EagerStep.__call__ = step  # type: ignore[method-assign]


@contextlib.contextmanager
def random_remedies(seed: int) -> Iterator[None]:
    """Exchange the choice of remedies for a random one, at the first mark, whatever the doctor says."""
    draw = random.Random(seed)
    every = [remedy for remedies in TREATS.values() for remedy in remedies]
    any_finding = Finding(code="training/underfitting", severity="critical", where="", message="")

    def choose(patient: Patient, findings: list[Finding], most: int = MOST_CANDIDATES) -> list[Patient]:
        found: list[Patient] = []
        for remedy in draw.sample(every, len(every)):
            with contextlib.suppress(Exception):
                treated = remedy.change(Case(patient, any_finding))
                found += [treated] if treated is not None else []
            if len(found) == most:
                break
        return found

    treating.candidates, treating.treatable = choose, lambda findings: [any_finding]
    try:
        yield
    finally:
        treating.candidates, treating.treatable = candidates, treating_treatable


treating_treatable = treating.treatable


def closed(buggy: float, fixed: float, treated: float) -> float:
    """Return the share of the gap that a treatment closes; what did not end in a number counts as zero.

    >>> closed(0.5, 0.9, 0.7)
    0.5
    """
    before = 0.0 if math.isnan(buggy) else buggy
    return ((0.0 if math.isnan(treated) else treated) - before) / (fixed - before)


def run_seed(name: str, folder: Path, seed: int) -> dict[str, Outcome]:
    """Train one case with one seed: untreated, treated, and with its twin at random and fixed."""
    torch.set_num_threads(1)
    case, twin = load(folder / "cases" / f"{name}.py"), folder / "fixed" / f"{name}.py"
    outcomes = {"untreated": train(case, seed, "off"), "treated": train(case, seed, "auto")}
    if twin.exists():
        outcomes["fixed"] = train(load(twin), seed, "off")
        with random_remedies(seed):
            outcomes["random"] = train(case, seed, "auto")
    return outcomes


def run(names: list[str], folder: Path, seeds: int, processes: int, kept: Path | None) -> dict[str, list[Any]]:
    """Return for each case what came of each seed; `kept` holds what an earlier run of this benchmark has done."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.exists() else []
    done = {(one["case"], one["seed"]): one["outcomes"] for one in map(json.loads, lines)}
    wanted = [(name, seed) for name in names for seed in range(seeds)]
    left = [one for one in wanted if one not in done]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        jobs = {pool.submit(run_seed, name, folder, seed): (name, seed) for name, seed in left}
        for job in as_completed(jobs):
            name, seed = jobs[job]
            done[name, seed] = {who: list(outcome) for who, outcome in job.result().items()}
            print(name, seed, done[name, seed], flush=True)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"case": name, "seed": seed, "outcomes": done[name, seed]}) + "\n")
    return {name: [done[name, seed] for seed in range(seeds)] for name in names}


def summary(outcomes: list[dict[str, Any]], label: dict[str, Any]) -> dict[str, Any]:
    """Return medians of one case over its seeds: untreated, treated, at random and fixed."""
    mine = {who: [Outcome(*one[who]) for one in outcomes] for who in outcomes[0]}
    scores = {who: median(0.0 if math.isnan(one.score) else one.score for one in some) for who, some in mine.items()}
    treated = mine["treated"]
    codes = {code for group in label["must_find_any"] for code in group}
    return {
        "scores": scores,
        "kept": max((one.kept for one in treated), key=[one.kept for one in treated].count),
        "changed": sum(bool(one.kept) for one in treated),
        "steps": max(one.share for one in treated),
        "repairable": "fixed" in mine and not codes & BEYOND_REPAIR,
        "gap": abs(scores.get("fixed", scores["untreated"]) - scores["untreated"]) >= LEAST_GAP,
    }


def main() -> None:
    """Run the cases and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--processes", type=int, default=1, help="cases that run side by side, a thread each")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep what is done there, and do only the rest")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    on, labels = machine(), yaml.safe_load((folder / "labels.yaml").read_text(encoding="utf-8"))["cases"]
    names = chosen.only or sorted(path.stem for path in (folder / "cases").glob("[!_]*.py"))
    outcomes = run(names, folder, 1 if chosen.quick else chosen.seeds, chosen.processes, chosen.resume)
    found = {name: summary(mine, labels[name]) for name, mine in outcomes.items()}
    report(f"treatment-{folder.name}", "treatment", on, [table(found, labels)], targets(found, labels),
           quick=chosen.quick or bool(chosen.only))  # fmt: skip


def table(found: dict[str, Any], labels: dict[str, Any]) -> Shown:
    """Return a row a case."""
    columns = ["case", "untreated", "treated", "random", "fixed", "gap closed", "at random", "kept", "steps by one"]
    rows = []
    for name, one in found.items():
        scores = one["scores"]
        cells = [f"{scores[who]:.3f}" if who in scores else "" for who in ("untreated", "treated", "random", "fixed")]
        shares = [""] * 2
        if one["repairable"] and one["gap"]:
            shares = [f"{closed(scores['untreated'], scores['fixed'], scores[w]):.0%}" for w in ("treated", "random")]
        kept = one["kept"] or ("" if labels[name]["label"] == "healthy" or one["repairable"] else "beyond repair")
        rows.append([name, *cells, *shares, kept, f"{one['steps']:.2f}"])
    note = "Medians over the seeds, each by the case's own metric on its validation data."
    return Shown("Treatment", columns, rows, note)


def targets(found: dict[str, Any], labels: dict[str, Any]) -> list[Target]:
    """Return what was aimed at, and what came out."""
    gaps = [one["scores"] for one in found.values() if one["repairable"] and one["gap"]]

    def repaired(who: str) -> float:
        hits = sum(closed(one["untreated"], one["fixed"], one[who]) >= CLOSES for one in gaps)
        return 100 * hits / max(1, len(gaps))

    changed = sum(one["changed"] for name, one in found.items() if labels[name]["label"] == "healthy")
    steps = max((one["steps"] for one in found.values()), default=0.0)
    return [
        Target("repairable cases with 80 % of the gap closed", 85, repaired("treated"), " %"),
        Target("the same with random remedies", 0, repaired("random"), " %", note="to compare with"),
        Target("healthy trainings that were changed", 0, changed, at_least=False),
        Target("steps of detection, trials and training, by the fixed training's", 2, steps, at_least=False),
    ]


if __name__ == "__main__":
    main()
