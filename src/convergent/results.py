"""The end of a run: judge the best weights on every split, and write what the run leaves behind."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import convergent
from convergent.config import Config
from convergent.data.loader import TrainingBatches
from convergent.engine.checkpoint import pack, write_bytes
from convergent.engine.evaluate import outputs_of
from convergent.metrics import bootstrap_interval
from convergent.models.summary import layers, num_parameters
from convergent.task import Task, final_judge
from convergent.trained import MODEL_VERSION
from convergent.types import Panel, Samples, Splits


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity, which JSON does not know, become null."""
    write_bytes(path, json.dumps(_finite(content), indent=1, allow_nan=False, ensure_ascii=False).encode())


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def save_model(folder: Path, model: nn.Module, task: Task, splits: Splits, config: Config) -> str:
    """Write RUN/model/ (weights and all that prediction needs) and return the weights' SHA-256."""
    folder.mkdir(exist_ok=True)
    content = pack(model.state_dict())
    write_bytes(folder / "weights.safetensors", content)
    first = splits.train.batch(torch.arange(min(2, len(splits.train))).numpy())
    description = {
        "version": MODEL_VERSION,
        "task": task.name,
        "config": config.model_dump(),
        "spec": splits.spec.model_dump(),
        "layers": layers(model, first.inputs),
    }
    write_json(folder / "model.json", description)
    return hashlib.sha256(content).hexdigest()


def judge(
    model: nn.Module, samples: Samples, task: Task, splits: Splits, batch_size: int, precision: str
) -> tuple[dict[str, Any], dict[str, float], Tensor, Tensor]:
    """Return (metrics with interval, the baseline's metrics, outputs, targets) of a split."""
    device = next(model.parameters()).device
    outputs, targets = outputs_of(model, samples, batch_size, device, precision, final_judge(task))
    metric = task.metric(splits.spec)
    scores: dict[str, Any] = dict(task.metrics(outputs, targets, splits.spec))
    scores["interval"] = bootstrap_interval(metric, metric.contribution(outputs, targets))
    return scores, task.baseline(targets, splits.spec), outputs, targets


def final_result(
    model: nn.Module, task: Task, splits: Splits, config: Config, precision: str
) -> tuple[dict[str, Any], list[Panel]]:
    """Return (the scores' part of result.json, the report's panels) of the best weights.

    The panels show the split that nothing was chosen on: test where there is one, else validation.
    """
    batch_size = 2 * (config.batch_size or 128)
    result: dict[str, Any] = {
        "task": task.name,
        "model": config.model,
        "parameters": num_parameters(model),
        "metric": task.metric(splits.spec).name,
        "baseline_is": task.baseline_is,
    }
    judged: Samples = splits.valid
    for name, samples in (("valid", splits.valid), ("test", splits.test)):
        if samples is not None and len(samples):
            result[name], result["baseline"], outputs, targets = judge(
                model, samples, task, splits, batch_size, precision
            )
            judged = samples
    panels = list(task.draw(judged, outputs, targets, splits.spec))
    return result, [*panels, *task.explain(model, judged, splits.spec, config)]


def padding_panels(batches: TrainingBatches) -> list[Panel]:
    """Return what is computed on padding, where samples differ in length."""
    padding = batches.padding()
    if padding is None or batches.buckets is None:
        return []
    sizes = [bucket.batch_size for bucket in batches.buckets]
    rows: list[list[Any]] = [
        ["batches of samples of like length", f"{padding[0]:.1%}"],
        ["batches drawn at random would have", f"{padding[1]:.1%}"],
    ]
    note = f"{len(sizes)} buckets by length; batches of {min(sizes)} to {max(sizes)} samples."
    data = {"columns": ["", "share of the tokens that is padding"], "rows": rows}
    return [Panel(kind="table", section="data", title="Padding", note=note, data=data)]


def versions() -> dict[str, str]:
    """Return the versions that the weights may depend on."""
    return {
        "convergent": convergent.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
