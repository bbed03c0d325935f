"""How much of the gap between a broken and a mended training the treatment closes, beside random remedies.

    python benchmarks/treatment.py FOLDER [--seeds N] [--only ID ...] [--quick]

A folder of cases holds `cases/*.py` and `fixed/*.py`, each with the functions `model`, `loss`, `optimizer`, `data` and
`score`, and BATCH and EPOCHS. The four are handed to `cv.Trainer` with that batch size and those epochs: untreated,
treated, with random remedies at the same budget, and the fixed one. Faults of the loop (no zero_grad) are gone with
the loop, and so is their gap. A case counts as repaired where the median over the seeds closes 80 % of the gap.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import math
import random
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
import yaml

import convergent as cv
from common import Shown, Target, machine, report
from convergent.treat import treatment as treating
from convergent.treat.candidates import MOST_CANDIDATES, candidates
from convergent.treat.patient import Patient
from convergent.treat.remedies import TREATS
from convergent.treat.remedies.remedy import Case
from convergent.types import Finding, UserError

CLOSES, LEAST_GAP = 0.8, 0.03
BEYOND_REPAIR = {
    "data/labels-shuffled",
    "setup/samples-mix-in-batch",
    "setup/future-leak",
    "data/label-leaking-feature",
}
"""What only the user can mend: nothing outside of the code can tell what was meant."""


class Outcome(NamedTuple):
    """One training: its score, what was kept, and the steps of trials by those of a whole training."""

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
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = trainer.fit((x_train, y_train), (x_valid, y_valid), treat=treat)
    except UserError:  # diverged, and nothing helped
        return Outcome(math.nan, "diverged", 0.0)
    with torch.no_grad():
        outputs = torch.cat([result.model(part) for part in x_valid.split(500)])
    steps = len(x_train) // min(case.BATCH, len(x_train)) * case.EPOCHS
    kept = [name for one in result.treatments for name in one["kept"]]
    spent = sum(one["steps"] for one in result.treatments)
    extra = max((one["step"] for one in result.treatments if one["kept"]), default=0)
    return Outcome(case.score(outputs, y_valid), ", ".join(kept), (steps + spent + extra) / steps)


@contextlib.contextmanager
def random_remedies(seed: int) -> Any:
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


def run_case(name: str, folder: Path, label: dict[str, Any], seeds: int) -> dict[str, Any]:
    """Return medians of one case, untreated, treated, at random and fixed."""
    case, twin = load(folder / "cases" / f"{name}.py"), folder / "fixed" / f"{name}.py"
    outcomes = {"untreated": [train(case, s, "off") for s in range(seeds)]}
    outcomes["treated"] = [train(case, s, "auto") for s in range(seeds)]
    if twin.exists():
        fixed = load(twin)
        outcomes["fixed"] = [train(fixed, s, "off") for s in range(seeds)]
        with_random = []
        for seed in range(seeds):
            with random_remedies(seed):
                with_random.append(train(case, seed, "auto"))
        outcomes["random"] = with_random
    scores = {
        who: median(0.0 if math.isnan(one.score) else one.score for one in mine) for who, mine in outcomes.items()
    }
    treated = outcomes["treated"]
    codes = {code for group in label["must_find_any"] for code in group}
    return {
        "scores": scores,
        "kept": max((one.kept for one in treated), key=[one.kept for one in treated].count),
        "changed": sum(bool(one.kept) for one in treated),
        "steps": max(one.share for one in treated),
        "repairable": twin.exists() and not codes & BEYOND_REPAIR,
        "gap": abs(scores.get("fixed", scores["untreated"]) - scores["untreated"]) >= LEAST_GAP,
    }


def main() -> None:
    """Run the cases and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    on, labels = machine(), yaml.safe_load((folder / "labels.yaml").read_text(encoding="utf-8"))["cases"]
    names = chosen.only or sorted(path.stem for path in (folder / "cases").glob("[!_]*.py"))
    found = {}
    for name in names:
        found[name] = run_case(name, folder, labels[name], 1 if chosen.quick else chosen.seeds)
        print(name, found[name], flush=True)
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
