"""A task is a value: a frozen record of functions, each of which can be tested alone and exchanged.

A new task is one new file under `tasks/` that exports TASK, or any file given by its path to `--task`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convergent.config import Config, nearest
from convergent.types import Batch, DataSpec, Metric, Panel, Recognition, Samples, Sampling, Splits, UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from convergent.data.source import Source

Loss = Callable[["Tensor", "Tensor"], "Tensor"]
Augment = Callable[[Batch, "torch.Generator", float], Batch]


def supervised_step(model: nn.Module, batch: Batch, loss: Loss) -> tuple[Tensor, Tensor]:
    """Return (loss, logits) of one forward pass: the step of every task with inputs and targets."""
    logits = model(*batch.inputs)
    return loss(logits, batch.targets), logits


def outputs_as_they_are(model: nn.Module, batch: Batch) -> Tensor:
    """Return the network's outputs: what the metrics of most tasks are made from."""
    outputs: Tensor = model(*batch.inputs)
    return outputs


def no_explanation(model: nn.Module, samples: Samples, spec: DataSpec, config: Config) -> Sequence[Panel]:
    """Return no panel."""
    return []


def no_augmentation(spec: DataSpec, config: Config) -> None:
    """Return no augmentation."""
    return None


@dataclass(frozen=True)
class Task:
    """Everything that Convergent must know of a task. `check_task` tests that it keeps the contract.

    name         what `--task` takes
    summary      one sentence for `convergent tasks`
    models       names that `--model` takes, the default first, each with a line on what it is
    recognise    (source, config) -> Recognition, or None where the task does not fit the source
    load         (source, config) -> Splits; statistics are fitted on the training split alone
    read         (source, spec, config) -> Samples: new data by the statistics of `spec`, for `evaluate` and `predict`;
                 targets are NaN (regression) or -1 (classes) where the source has none
    of_text      (text, spec, config) -> Samples of a text given itself; None where `predict` takes data alone
    defaults     (spec, config) -> Config with every None decided from the data; what the user set stays
    build        (spec, config) -> the network; takes the raw batch, so normalisation lies within it
    loss         (spec, config) -> the training loss of (outputs, targets)
    augment      (spec, config) -> (batch, generator, progress 0..1) -> batch on the device, or None
    step         (model, batch, loss) -> (loss, outputs)
    judge        (model, batch) -> what metrics, decode and draw call outputs, one row a sample; the network's own by
                 default, and less where those would fill the memory
    judge_finally  the same where the result counts (end of a run, `evaluate`, `predict`), if more can be spent there
    final_effort   how many times as long it takes, for a time limit to hold
    metric       spec -> the main metric
    metrics      (outputs, targets, spec) -> all metrics by their standard names, floats
    baseline     (targets, spec) -> the same metrics for the best constant prediction fitted on the training split
    baseline_is  what the baseline answers, in a few words
    decode       (outputs, spec) -> a JSON-ready dictionary a sample: what `predict` prints
    draw         (samples, outputs, targets, spec) -> panels for the report
    explain      (model, samples, spec, config) -> panels that need the network itself
    respond      (model, spec, config, text, sampling) -> pieces of the answer to a text; None where `predict` takes
                 data
    specimen     (model, spec, config) -> a text that the network writes, kept while it trains; None for none
    """

    name: str
    summary: str
    models: dict[str, str]
    recognise: Callable[[Source, Config], Recognition | None]
    load: Callable[[Source, Config], Splits]
    read: Callable[[Source, DataSpec, Config], Samples]
    defaults: Callable[[DataSpec, Config], Config]
    build: Callable[[DataSpec, Config], nn.Module]
    loss: Callable[[DataSpec, Config], Loss]
    metric: Callable[[DataSpec], Metric]
    metrics: Callable[[Tensor, Tensor, DataSpec], dict[str, float]]
    baseline: Callable[[Tensor, DataSpec], dict[str, float]]
    decode: Callable[[Tensor, DataSpec], list[dict[str, Any]]]
    draw: Callable[[Samples, Tensor, Tensor, DataSpec], Sequence[Panel]]
    augment: Callable[[DataSpec, Config], Augment | None] = no_augmentation
    step: Callable[[nn.Module, Batch, Loss], tuple[Tensor, Tensor]] = supervised_step
    judge: Callable[[nn.Module, Batch], Tensor] = outputs_as_they_are
    judge_finally: Callable[[nn.Module, Batch], Tensor] | None = None
    final_effort: float = 1.0
    baseline_is: str = "the same answer always"
    explain: Callable[[nn.Module, Samples, DataSpec, Config], Sequence[Panel]] = no_explanation
    of_text: Callable[[str, DataSpec, Config], Samples] | None = None
    respond: Callable[[nn.Module, DataSpec, Config, str, Sampling], Iterator[str]] | None = None
    specimen: Callable[[nn.Module, DataSpec, Config], str] | None = None


def final_judge(task: Task) -> Callable[[nn.Module, Batch], Tensor]:
    """Return what a task judges by where the result counts."""
    return task.judge_finally or task.judge


def task_names() -> list[str]:
    """Return the names of the tasks that ship with Convergent.

    >>> "image-classification" in task_names()
    True
    """
    package = importlib.util.find_spec("convergent.tasks")
    folders = list(package.submodule_search_locations or []) if package else []
    names = [module.name for module in pkgutil.iter_modules(folders)]
    return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))


def find_task(name: str) -> Task:
    """Return the task called `name`, or the TASK of the Python file at that path.

    Raises UserError for an unknown name, with the nearest one.
    """
    if name.endswith(".py"):
        return _task_of_file(Path(name))
    if name not in task_names():
        raise UserError(f"unknown task `{name}`.{nearest(name, task_names())} `convergent tasks` lists them.")
    task: Task = importlib.import_module(f"convergent.tasks.{name.replace('-', '_')}").TASK
    return task


def _task_of_file(path: Path) -> Task:
    if not path.is_file():
        raise UserError(f"--task {path}: there is no such file.")
    spec = importlib.util.spec_from_file_location(f"convergent_task_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise UserError(f"--task {path}: must define TASK, a convergent.Task.")
    return task


def recognise_task(source: Source, config: Config) -> tuple[Task, str]:
    """Return the task for `source` and the reason: the one that was asked for, or the one that fits best.

    Raises UserError where none fits.
    """
    if config.task is not None:
        return find_task(config.task), "as asked for"
    if config.source_column is not None:
        return find_task("translation"), "as --source-column asks for"
    fitting, objections = [], []
    for name in task_names():
        task = find_task(name)
        try:
            recognition = task.recognise(source, config)
        except UserError as error:  # what is wrong for one task may be right for another: two columns of texts, say
            objections.append(error)
            continue
        if recognition is not None:
            fitting.append((recognition.confidence, task, recognition.reason))
    if not fitting and objections:
        raise objections[0]
    if not fitting:
        raise UserError(
            f"{source.address}: no task fits ({source.reason}). Say which with --task: {', '.join(task_names())}."
        )
    _, task, reason = max(fitting, key=lambda item: item[0])
    return task, reason
