"""The report: complete, safe with hostile names, whole without a result, the same for every task."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convergent.report.charts import Series, bar_chart, interval_chart, line_chart, scatter_chart, thin
from convergent.report.matrix import confused_pairs, confusion_matrix
from convergent.report.page import write_report
from convergent.report.panels import draw_panel
from convergent.report.scales import fit_scale, linear_ticks, log_ticks, number, tick_labels
from convergent.types import Panel, UserError

SAMPLES = Path(__file__).parents[1] / "samples"
CLOTHES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
HOSTILE = "</script><script>alert('x')</script>\"'><img src=x onerror=alert(1)>&{{ 7*7 }}"


def write_run(folder: Path, kind: str, *, finished: bool = True) -> Path:
    """Write a run folder as `train` leaves it: `images`, `letters` or `regression`."""
    (folder / "model").mkdir(parents=True)
    spec, result, panels = {"images": images_run, "letters": letters_run, "regression": regression_run}[kind]()
    write_json(folder / "data.json", spec)
    write_json(folder / "panels.json", panels)
    write_json(folder / "plan.json", plan())
    write_json(folder / "model" / "model.json", {"layers": layers(len(spec["classes"] or [0]))})
    (folder / "config.yaml").write_text("task: null\nepochs: 8\nlearning_rate: 0.01\nseed: 0\nout: null\n")
    write_journal(folder / "journal.jsonl", result["metric"], result["valid"][result["metric"]])
    if finished:
        write_json(folder / "result.json", result)
    return folder


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def write_journal(path: Path, metric: str, final: float) -> None:
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        for step in range(10, 4001, 10):
            loss = 0.22 + 2.1 * math.exp(-step / 500) + 0.02 * rng.standard_normal()
            line = {"kind": "step", "step": step, "epoch": 1 + step // 500, "loss": loss, "loss_min": loss * 0.8}
            line |= {"loss_max": loss * 1.3, "grad_norm": 0.4 + 9 * math.exp(-step / 300) * rng.random()}
            line |= {"learning_rate": 0.01 * min(step / 400, (4001 - step) / 3600), "samples_per_second": 5400.0}
            file.write(json.dumps(line | {"time": step / 42}) + "\n")
            if step % 500 == 0:
                near = (
                    final * (1 - 0.3 * math.exp(-step / 900)) if final < 1 else final * (1 + 3 * math.exp(-step / 900))
                )
                metrics = {metric: near, "loss": 0.28 + 1.4 * math.exp(-step / 600)}
                record = {"kind": "evaluation", "step": step, "epoch": step // 500, "split": "valid"}
                record |= {"metrics": metrics, "monitored": metric, "best": step != 3500, "seconds": 0.4}
                file.write(json.dumps(record | {"time": step / 42}) + "\n")
        file.write(json.dumps({"kind": "note", "text": "checkpoint of step 4000 saved", "time": 95.0}) + "\n")


def plan() -> dict[str, Any]:
    names = ["float32", "float32 channels_last", "bfloat16 channels_last", "bfloat16 channels_last, fused", "compiled"]
    times = [41.2, 33.0, 15.1, 13.3, None]
    candidates: list[dict[str, Any]] = [
        {"name": name, "milliseconds": ms, "speedup": ms and 41.2 / ms, "loss_difference": ms and abs(41.2 - ms) * 1e-5,
         "taken": ms == 13.3, "note": "" if ms else "not tried: the run is too short to pay for compiling"}
        for name, ms in zip(names, times, strict=True)
    ]  # fmt: skip
    machine = {"cpu": "AMD EPYC, 2 cores", "threads": 2, "torch": "2.14.1"}
    return {"chosen": {"precision": "bfloat16", "threads": 2}, "candidates": candidates, "machine": machine}


def layers(outputs: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "normalise", "type": "Normalise", "output_shape": [1, 28, 28], "parameters": 0}
    ]
    for stage, channels in enumerate([64, 64, 128, 128, 256, 256]):
        shape = [channels, 28 >> (stage // 2), 28 >> (stage // 2)]
        name = f"stages.{stage}"
        found.append({"name": name, "type": "ResidualBlock", "output_shape": shape, "parameters": channels**2 * 18})
    return [*found, {"name": "head", "type": "Linear", "output_shape": [outputs], "parameters": 257 * outputs}]


def result_of(task: str, model: str, metric: str, *, valid: Any, test: Any, baseline: Any) -> dict[str, Any]:
    return {"task": task, "model": model, "parameters": 2_777_674, "metric": metric, "valid": valid, "test": test,
            "baseline": baseline, "steps": 4000, "epochs": 8, "seconds": 95.2, "samples_per_second": 5380.4,
            "plan": {"precision": "bfloat16"},
            "versions": {"convergent": "0.1.0", "torch": "2.14.1", "python": "3.11.2"},
            "weights_sha256": "9f2b" * 16}  # fmt: skip


def spec_of(task: str, source: str, modality: str, classes: list[str] | None, sizes: dict[str, int]) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    counts = None
    if classes:
        weights = rng.uniform(0.8, 1.2, len(classes))
        counts = {split: (weights / weights.sum() * size).astype(int).tolist() for split, size in sizes.items()}
    refused = [{"where": "train/Coat/0412.png", "reason": "truncated: 311 of 1,204 bytes"},
               {"where": "train/Bag/0007.png", "reason": "is no image (starts with `<html>`)"}]  # fmt: skip
    return {"task": task, "source": source, "modality": modality, "fingerprint": "c1d2e3f4a5b60718", "sizes": sizes,
            "split": "test is the data's own; 10 % of train was held out for validation, stratified by class (seed 0)",
            "target": "label", "classes": classes, "class_counts": counts,
            "features": {}, "refused": refused}  # fmt: skip


def confusion(classes: int, each: int, strength: float) -> list[list[int]]:
    rng = np.random.default_rng(2)
    wrong = rng.gamma(0.15, 1.0, (classes, classes)) * strength * each / classes
    np.fill_diagonal(wrong, 0)
    matrix = wrong.astype(int)
    np.fill_diagonal(matrix, each - matrix.sum(1))
    return [[int(count) for count in row] for row in matrix]


def calibration() -> dict[str, Any]:
    x = [0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]
    series = {"model": [0.1, 0.22, 0.36, 0.4, 0.53, 0.61, 0.72, 0.86, 0.97]}
    data = {
        "x": x,
        "series": series,
        "x_label": "probability given",
        "y_label": "share that was right",
        "diagonal": True,
    }
    note = "Expected calibration error 0.021."
    return {"kind": "lines", "section": "result", "title": "Calibration", "note": note, "data": data}


def pictures(details: list[str]) -> list[dict[str, str]]:
    arrays = np.load(SAMPLES / "fashion.npz", allow_pickle=False)
    images, labels = arrays[arrays.files[0]], arrays[arrays.files[1]]
    items = []
    for index, detail in enumerate(details):
        buffer = io.BytesIO()
        Image.fromarray(images[index]).save(buffer, format="PNG")
        png = base64.b64encode(buffer.getvalue()).decode()
        items.append({"png": png, "caption": CLOTHES[int(labels[index])], "detail": detail})
    return items


def images_run() -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    sizes = {"train": 54_000, "valid": 6_000, "test": 10_000}
    spec = spec_of("image-classification", "sample:fashion", "images", CLOTHES, sizes)
    valid = {
        "accuracy": 0.9183,
        "f1_macro": 0.9180,
        "top_5_accuracy": 0.9984,
        "loss": 0.2791,
        "interval": [0.911, 0.925],
    }
    test = {
        "accuracy": 0.9121,
        "f1_macro": 0.9118,
        "top_5_accuracy": 0.9979,
        "loss": 0.2873,
        "interval": [0.9064, 0.9175],
    }
    baseline = {"accuracy": 0.1, "f1_macro": 0.0182, "top_5_accuracy": 0.5, "loss": 2.3026}
    matrix = {"labels": CLOTHES, "values": confusion(10, 1000, 0.4)}
    wrong = [f"taken for {CLOTHES[i % 10]}, {99 - i} %" for i in range(12)]
    panels = [
        {"kind": "gallery", "section": "data", "title": "Examples", "data": {"items": pictures([""] * 20)}},
        {"kind": "matrix", "section": "result", "title": "Confusion matrix", "data": matrix,
         "note": "10,000 test images."},
        calibration(),
        {"kind": "gallery", "section": "mistakes", "title": "Most confident mistakes",
         "data": {"items": pictures(wrong)}, "note": "Wrong with the highest probability: often a wrong label."},
    ]  # fmt: skip
    return spec, result_of(spec["task"], "cnn", "accuracy", valid=valid, test=test, baseline=baseline), panels


def letters_run() -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    classes = [chr(65 + i) for i in range(26)]
    spec = spec_of("tabular-classification", "tables/letter.csv", "tables", classes, {"train": 16_000, "valid": 4_000})
    spec |= {"target": "lettr", "refused": []}
    baseline = {"accuracy": 0.0407, "loss": 3.257}
    valid = {"accuracy": 0.974, "f1_macro": 0.9737, "loss": 0.0921, "interval": [0.969, 0.979]}
    columns = [
        ["x-box", "number", 0, "4.02 ± 1.91"],
        ["y-box", "number", 3, "7.04 ± 3.30"],
        ["colour", "category", 0, "5"],
    ]
    rows = [[f"row {i}", "D", "B", 0.99 - i / 100] for i in range(8)]
    panels = [
        {"kind": "table", "section": "data", "title": "Columns",
         "data": {"columns": ["column", "read as", "missing", "values"], "rows": columns}},
        {"kind": "matrix", "section": "result", "title": "Confusion matrix",
         "data": {"labels": classes, "values": confusion(26, 154, 0.6)}},
        calibration(),
        {"kind": "table", "section": "mistakes", "title": "Most confident mistakes",
         "data": {"columns": ["where", "true", "predicted", "probability"], "rows": rows}},
    ]  # fmt: skip
    return spec, result_of(spec["task"], "tabm", "accuracy", valid=valid, test=None, baseline=baseline), panels


def regression_run() -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    rng = np.random.default_rng(3)
    truth = rng.lognormal(7.8, 0.9, 3000)
    predicted = truth * rng.normal(1, 0.12, 3000)
    sizes = {"train": 43_152, "valid": 5_394, "test": 5_394}
    spec = spec_of("tabular-regression", "tables/diamonds.csv", "tables", None, sizes) | {
        "target": "price",
        "refused": [],
    }
    spec |= {"target_mean": 3932.8, "target_std": 3989.4, "target_median": 2401.0}
    valid = {"rmse": 528.4, "mae": 264.1, "r2": 0.9826, "loss": 0.0174, "interval": [509.0, 549.2]}
    test = {"rmse": 532.1, "mae": 266.0, "r2": 0.9822, "loss": 0.0178, "interval": [511.4, 553.8]}
    baseline = {"rmse": 3987.1, "mae": 3031.2, "r2": -0.0002, "loss": 1.0}

    def scatter(title: str, y: Any, y_label: str, diagonal: bool) -> dict[str, Any]:
        data = {"x": truth.tolist(), "y": y.tolist(), "x_label": "true price", "y_label": y_label, "diagonal": diagonal}
        return {"kind": "scatter", "section": "result", "title": title, "data": data}

    bars = {
        "labels": ["carat", "clarity", "color", "y", "cut"],
        "values": [0.61, 0.22, 0.13, 0.03, 0.01],
        "unit": "share",
    }
    panels = [
        {"kind": "table", "section": "data", "title": "Columns", "data": {
            "columns": ["column", "read as", "missing"], "rows": [["carat", "number", 0], ["cut", "category", 2]]}},
        scatter("Predicted against true", predicted, "predicted price", True),
        scatter("Residuals", predicted - truth, "error", False),
        {"kind": "bars", "section": "result", "title": "Permutation importance", "data": bars},
        {"kind": "table", "section": "mistakes", "title": "Largest errors", "data": {
            "columns": ["where", "true", "predicted", "error"], "rows": [["row 17", 18_211.0, 11_020.5, -7190.5]]}},
    ]  # fmt: skip
    return spec, result_of(spec["task"], "tabm", "rmse", valid=valid, test=test, baseline=baseline), panels


class Page(HTMLParser):
    """What a browser would load or run: the tags and attributes of a page, its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("kind", ["images", "letters", "regression"])
def test_a_page_is_complete_and_asks_nobody_for_anything(tmp_path: Path, kind: str) -> None:
    html = write_report(write_run(tmp_path / "run", kind)).read_text(encoding="utf-8")
    page = Page(html)
    assert len(html) < 2_000_000
    for heading in ("Data", "Model", "Curves", "Result", "Mistakes", "Plan", "Repeat"):
        assert ("section", {"id": heading.lower()}) in page.tags
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
    assert "url(" not in html and "@import" not in html
    assert "no result yet" not in html


def test_the_headline_gives_interval_and_baseline(tmp_path: Path) -> None:
    words = Page(write_report(write_run(tmp_path / "run", "images")).read_text(encoding="utf-8")).words
    assert "0.912" in words
    assert "95% interval 0.906–0.917, on 10,000 test images" in words
    assert "Always predicting the most frequent class gives 0.100." in words
    assert "truncated: 311 of 1,204 bytes" in words


def test_a_regression_speaks_of_its_target(tmp_path: Path) -> None:
    words = Page(write_report(write_run(tmp_path / "run", "regression")).read_text(encoding="utf-8")).words
    assert "532" in words and "of price" in words
    assert "95% interval 511–554, on 5,394 test rows" in words
    assert "The best constant prediction gives 3,987." in words


def test_every_chart_has_a_name_a_description_and_numbers_for_the_pointer(tmp_path: Path) -> None:
    html = write_report(write_run(tmp_path / "run", "letters")).read_text(encoding="utf-8")
    charts = [attributes for tag, attributes in Page(html).tags if tag == "svg"]
    assert len(charts) >= 6
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert html.count("<desc>") == len(charts)
    kinds = [json.loads(chart["data-chart"] or "")["kind"] for chart in charts if "data-chart" in chart]
    assert set(kinds) == {"lines", "bars", "matrix"}


def test_a_run_without_a_result_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", "images", finished=False)
    words = Page(write_report(folder).read_text(encoding="utf-8")).words
    assert "This run has no result yet." in words
    assert "step 4,000, epoch 8" in words


def test_a_run_that_has_only_begun_still_has_a_page(tmp_path: Path) -> None:
    write_json(tmp_path / "data.json", images_run()[0])
    assert "It has not recorded a step yet." in write_report(tmp_path).read_text(encoding="utf-8")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", "images")
    honest = len(Page(write_report(folder).read_text(encoding="utf-8")).tags)
    for name in ("data.json", "panels.json", "result.json", "plan.json", "model/model.json"):
        text = (folder / name).read_text().replace("Ankle boot", json.dumps(HOSTILE)[1:-1])
        text = re.sub(
            r"sample:fashion|ResidualBlock|channels_last|Most confident|\bcnn\b|2.14.1",
            lambda _: json.dumps(HOSTILE)[1:-1],
            text,
        )
        (folder / name).write_text(text)
    with (folder / "journal.jsonl").open("a") as file:
        file.write(json.dumps({"kind": "note", "text": HOSTILE, "time": 99.0}) + "\n")
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    assert len(page.tags) == honest + 2  # the <li> of the note and the <time> in it
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert "{{ 7*7 }}" in page.words


def test_the_policy_allows_the_one_script_by_its_hash(tmp_path: Path) -> None:
    html = write_report(write_run(tmp_path / "run", "letters")).read_text(encoding="utf-8")
    script = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run folder"):
        write_report(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", "letters")
    (folder / "plan.json").write_text('{"chosen": ')
    with pytest.raises(UserError, match=r"plan\.json: is not JSON"):
        write_report(folder)


def test_a_panel_without_its_data_is_named() -> None:
    panel = Panel(kind="scatter", section="result", title="Residuals", data={"x": [1.0]})
    with pytest.raises(UserError, match="panel `Residuals` of kind scatter"):
        draw_panel(panel)


def test_many_classes_stay_readable() -> None:
    labels = [f"a class with a long name {i}" for i in range(300)]
    drawing = confusion_matrix("Confusion", labels, confusion(300, 50, 2.0))
    assert "The 60 of 300 classes with the most mistakes are drawn." in drawing
    assert len(drawing) < 400_000
    bars = bar_chart("Counts", labels, {"train": list(range(300))})
    assert "The 20 largest and smallest of 300 are drawn." in bars


def test_the_most_confused_pairs_come_first() -> None:
    pairs = confused_pairs(["a", "b", "c"], [[5, 1, 4], [0, 10, 0], [2, 0, 0]])
    assert [(true, taken, count) for true, taken, count, _ in pairs] == [("a", "c", 4), ("c", "a", 2), ("a", "b", 1)]


def test_gaps_and_single_points_are_drawn() -> None:
    assert line_chart("Loss", [Series("a", [1, 2, 3, 4], [1.0, math.nan, 2.0, math.inf])], "step").count("M") >= 2
    assert line_chart("Loss", [Series("a", [5], [1.0])], "step")
    assert line_chart("Loss", [Series("a", [], [])], "step")
    assert line_chart("Loss", [Series("a", [1, 2], [math.nan, math.nan])], "step")


def test_a_long_series_is_thinned_and_keeps_its_ends() -> None:
    series = thin(Series("a", list(range(1, 10_001)), [0.5] * 10_000, ([0.1] * 10_000, [0.9] * 10_000)))
    assert len(series.x) <= 300 and series.x[-1] == 10_000
    assert series.band == ([0.1] * len(series.x), [0.9] * len(series.x))


finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(st.tuples(finite, finite), max_size=20), st.booleans())
def test_any_numbers_make_a_chart(pairs: list[tuple[float, float]], diagonal: bool) -> None:
    xs, ys = [a for a, _ in pairs], [b for _, b in pairs]
    for chart in (
        scatter_chart("s", xs, ys, "x", "y", diagonal=diagonal),
        line_chart("l", [Series("a", xs, ys)], "x", diagonal=diagonal, log=not diagonal),
        bar_chart("b", [str(i) for i in range(len(xs))], {"a": ys}),
    ):
        assert chart.startswith("<figure") and not re.search(r'[ML"]-?(nan|inf)', chart)


@given(finite, finite, finite)
def test_any_interval_makes_a_ruler(value: float, other: float, baseline: float) -> None:
    assert "nan" not in interval_chart(value, (min(value, other), max(value, other)), baseline)


@given(st.lists(finite, min_size=1, max_size=10))
def test_scales_hold_their_values_and_ticks_lie_within(values: list[float]) -> None:
    scale = fit_scale(values, 0.0, 100.0)
    assert all(-1e-6 <= scale(value) <= 100 + 1e-6 for value in values)
    assert len(tick_labels(scale.ticks())) == len(scale.ticks()) <= 12


def test_ticks_are_round() -> None:
    assert linear_ticks(0, 4000) == [0, 1000, 2000, 3000, 4000]
    assert log_ticks(1e-5, 1e-2) == [1e-5, 1e-4, 1e-3, 1e-2]
    assert [number(value) for value in (0.5, 12.0, 1e-5, math.inf)] == ["0.5000", "12", "1.0e-05", "inf"]
