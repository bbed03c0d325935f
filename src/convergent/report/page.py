"""The report of a run: one HTML file that opens offline and asks nobody for anything.

Names, paths and messages come from data and are not trusted: jinja2 escapes all of them, page.js writes text nodes
only, and a Content-Security-Policy allows the one script by its hash, inline styles, and pictures within the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from pydantic import ValidationError

from convergent.report.charts import bar_chart, interval_chart
from convergent.report.curves import draw_curves
from convergent.report.journal import read_journal
from convergent.report.panels import draw_panel, table
from convergent.report.scales import number, score
from convergent.types import DataSpec, Finding, Panel, UserError

SAMPLE_WORDS = {"images": "images", "tables": "rows", "tokens": "windows", "texts": "texts"}
SPLIT_WORDS = {"train": "training", "valid": "validation", "test": "test"}
METRIC_WORDS = {"rmse": "RMSE", "mae": "MAE", "mse": "MSE", "r2": "R²", "f1_macro": "F1 (macro)", "loss": "loss"}
MAX_REFUSED = 100


@dataclass(frozen=True)
class Run:
    """What a run folder holds; a run that was killed has no result, one that has just begun has little else."""

    folder: Path
    spec: DataSpec
    config: str
    records: list[dict[str, Any]]
    plan: dict[str, Any]
    layers: list[dict[str, Any]]
    panels: list[Panel]
    result: dict[str, Any] | None
    findings: list[Finding] | None


def write_report(run_folder: Path) -> Path:
    """Write RUN/report.html from the files of the run folder and return its path.

    A run without a result yet gives a page that says so. Raises UserError where the folder is no run folder or one of
    its files cannot be read.
    """
    path = run_folder / "report.html"
    partial = path.with_suffix(".html.partial")
    partial.write_text(render(read_run(run_folder)), encoding="utf-8")
    partial.replace(path)
    return path


def read_run(folder: Path) -> Run:
    """Return the content of a run folder; only data.json must be there."""
    if not (folder / "data.json").is_file():
        raise UserError(f"{folder}: is not a run folder (no data.json). Give the folder that `train` wrote.")
    model = _read_json(folder / "model" / "model.json") or {}
    config = folder / "config.yaml"
    try:
        spec = DataSpec.model_validate(_read_json(folder / "data.json"))
        panels = [Panel.model_validate(panel) for panel in _read_json(folder / "panels.json") or []]
        written = _read_json(folder / "findings.json")
        findings = None if written is None else [Finding.model_validate(one) for one in written]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{folder}: {error.title} is not valid at `{place}` ({first['msg']}).") from None
    return Run(
        folder=folder,
        spec=spec,
        config=config.read_text(encoding="utf-8") if config.is_file() else "",
        records=read_journal(folder / "journal.jsonl"),
        plan=_read_json(folder / "plan.json") or {},
        layers=model.get("layers", []),
        panels=panels,
        result=_read_json(folder / "result.json"),
        findings=findings,
    )


def render(run: Run) -> str:
    """Return the page as HTML."""
    files = {name: _resource(name) for name in ("page.css", "page.js", "page.html.j2")}
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=number, metric=metric_word, compact=compact, duration=duration)
    digest = base64.b64encode(hashlib.sha256(files["page.js"].encode()).digest()).decode()
    metric = main_metric(run)
    return environment.from_string(files["page.html.j2"]).render(
        run=run,
        spec=run.spec,
        result=run.result or {},
        metric=metric,
        headline=headline(run, metric),
        state=None if run.result else unfinished(run),
        curves=draw_curves(run.records, metric),
        events=[record for record in run.records if record["kind"] in ("note", "resume")],
        panels={name: _panels(run, name) for name in ("data", "result", "mistakes", "doctor", "treatment")},
        findings=finding_cards(run.findings),
        class_counts=_class_counts(run.spec),
        scores=scores(run, metric),
        plan_rows=plan_rows(run.plan),
        refused=run.spec.refused[:MAX_REFUSED],
        table=table,
        commands=commands(run),
        sample_word=_sample_word(run.spec),
        split_words=SPLIT_WORDS,
        script_hash=f"sha256-{digest}",
        css=Markup(files["page.css"]),
        js=Markup(files["page.js"]),
    )


def finding_cards(findings: list[Finding] | None) -> list[dict[str, Any]] | None:
    """Return the findings with their evidence as text, but for those that another explains; None: none were kept."""
    if findings is None:
        return None
    explained = {code for one in findings for code in one.consequences}
    return [{**one.model_dump(), "numbers": _numbers(one)} for one in findings if one.code not in explained]


def _numbers(one: Finding) -> list[tuple[str, str]]:
    plain = {key: value for key, value in one.evidence.items() if isinstance(value, int | float | str)}
    return [
        (key.replace("_", " "), str(value) if isinstance(value, str | bool) else number(value))
        for key, value in plain.items()
    ]


def main_metric(run: Run) -> str:
    """Return the name of the metric that the page leads with: the result's, else the one that was monitored."""
    if run.result:
        return str(run.result["metric"])
    monitored = [record["monitored"] for record in run.records if record["kind"] == "evaluation"]
    return monitored[-1] if monitored else "loss"


def headline(run: Run, metric: str) -> dict[str, Any] | None:
    """Return the main number of the run with what gives it meaning, or None without a result.

    The test split speaks where there is one: the validation split has chosen the weights.
    """
    if not run.result:
        return None
    split = "test" if run.result.get("test") else "valid"
    scored = run.result[split]
    value, baseline = scored[metric], (run.result.get("baseline") or {}).get(metric)
    interval = tuple(scored["interval"]) if scored.get("interval") else None
    size = run.spec.sizes.get(split)
    return {
        "value": _decimals(value, interval),
        "interval": "–".join(_decimals(edge, interval) for edge in interval) if interval else None,
        "where": f"{f'{size:,} ' if size else ''}{SPLIT_WORDS[split]} {_sample_word(run.spec)}",
        "baseline": None if baseline is None else _decimals(baseline, interval),
        "baseline_text": _baseline_text(run.spec),
        "ruler": interval_chart(value, interval, baseline),
    }


def unfinished(run: Run) -> str:
    """Return how far a run without a result has come."""
    done = [record for record in run.records if record["kind"] in ("step", "evaluation")]
    if not done:
        return "It has not recorded a step yet."
    last = done[-1]
    return f"Its last record is of step {last['step']:,}, epoch {last['epoch']}, after {duration(last['time'])}."


def scores(run: Run, metric: str) -> dict[str, Any] | None:
    """Return the rows of the table of all metrics: the main one first, a column a split, the baseline last."""
    if not run.result:
        return None
    splits = [split for split in ("train", "valid", "test") if isinstance(run.result.get(split), dict)]
    baseline = run.result.get("baseline") or {}
    names = dict.fromkeys(name for split in splits for name, value in run.result[split].items() if _is_score(value))
    ordered = [metric, *(name for name in names if name != metric)]
    rows = []
    for name in ordered:
        cells = []
        for split in splits:
            scored = run.result[split]
            interval = scored.get("interval") if name == metric else None
            value = score(scored[name]) if _is_score(scored.get(name)) else "–"
            cells.append((value, f"{score(interval[0])}–{score(interval[1])}" if interval else ""))
        trivial = score(baseline[name]) if _is_score(baseline.get(name)) else "–"
        rows.append((metric_word(name), [*cells, (trivial, "")], name == metric))
    return {"columns": [*(SPLIT_WORDS[split] for split in splits), "baseline"], "rows": rows}


def plan_rows(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the candidates of the plan, the fastest first, each with its time relative to the slowest."""
    candidates = plan.get("candidates") or []
    timed = [c for c in candidates if isinstance(c.get("milliseconds"), int | float)]
    slowest = max((c["milliseconds"] for c in timed), default=1.0)
    failed = [c for c in candidates if c not in timed]
    ranked = sorted(timed, key=lambda c: float(c["milliseconds"]))
    shares = [{**c, "share": round(100 * c["milliseconds"] / slowest, 1)} for c in ranked]
    return shares + [{**c, "share": 0.0, "milliseconds": None} for c in failed]


def commands(run: Run) -> list[tuple[str, str]]:
    """Return (what it does, command) for repeating and using the run."""
    folder, source = shlex.quote(str(run.folder)), shlex.quote(run.spec.source)
    again = shlex.quote(f"{run.folder}-again")
    plan = f" --plan {folder}/plan.json" if run.plan else ""
    return [
        (
            "Train again to the same weights",
            f"convergent train {source} --config {folder}/config.yaml{plan} --out {again}",
        ),
        ("Judge it again, or on other data", f"convergent evaluate {folder}"),
        ("Predict what is new", f"convergent predict {folder} INPUT"),
    ]


def metric_word(name: str) -> str:
    """Return a metric's name as text.

    >>> metric_word("rmse"), metric_word("balanced_accuracy")
    ('RMSE', 'balanced accuracy')
    """
    return METRIC_WORDS.get(name, name.replace("_", " "))


def compact(count: float) -> str:
    """Return a large count in words.

    >>> compact(272_474), compact(11_173_962), compact(850)
    ('272 thousand', '11.2 million', '850')
    """
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e4, "thousand")):
        if count >= size:
            short = count / (size if size > 1e4 else 1e3)
            return f"{short:.3g} {word}"
    return f"{count:,.0f}"


def duration(seconds: float) -> str:
    """Return seconds as a reader says them.

    >>> duration(8.42), duration(75), duration(4_000)
    ('8.4 s', '1 min 15 s', '1 h 6 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _panels(run: Run, section: str) -> list[Markup]:
    return [draw_panel(panel) for panel in run.panels if panel.section == section]


def _class_counts(spec: DataSpec) -> Markup | None:
    if not spec.classes or not spec.class_counts:
        return None
    series = {SPLIT_WORDS.get(split, split): counts for split, counts in spec.class_counts.items()}
    return bar_chart(f"{_sample_word(spec).capitalize()} of each class", spec.classes, series)


def _sample_word(spec: DataSpec) -> str:
    return SAMPLE_WORDS.get(spec.modality, "samples")


def _baseline_text(spec: DataSpec) -> str:
    if spec.modality == "tokens":
        return "Knowing how frequent each token is, and no more,"
    if spec.classes:
        return "Always predicting the most frequent class"
    return "The best constant prediction" if spec.target_mean is not None else "The trivial baseline"


def _decimals(value: float, interval: tuple[float, ...] | None) -> str:
    """Return the value with the decimals that its interval leaves meaningful: 0.912 for ±0.016, 532 for ±20."""
    width = interval[1] - interval[0] if interval else abs(value) * 0.02
    decimals = 3 if width <= 0 else min(max(0, 1 - int(f"{width:e}".split("e")[1])), 6)
    return f"{value:,.{decimals}f}"


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not JSON ({error}). Restore it or train again.") from None


def _resource(name: str) -> str:
    return resources.files("convergent.report").joinpath(name).read_text(encoding="utf-8")
