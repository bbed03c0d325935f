"""The contract test of a task: what every task, ours or yours, must hold before a run can rely on it.

"Overfit one batch" is the check that finds most wiring mistakes: Karpathy 2019, A Recipe for Training Neural Networks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from convergent.config import Config, make_config
from convergent.data.source import open_source
from convergent.engine.checkpoint import pack
from convergent.task import Loss, Task
from convergent.types import Batch, Splits

OVERFIT_STEPS = 200
OVERFIT_SHARE = 0.25


def check_task(task: Task, data: str, **options: object) -> list[str]:
    """Return what `task` does wrong on `data`, a sentence each; an empty list means that it keeps the contract.

    It must build the same network from the same seed, start at a finite loss, overfit one batch, give one output a
    sample whatever the batch, load what it saved to equal outputs, and decode and draw predictions.
    """
    # With smoothed labels even a perfect network has a loss, and of two classes it is a third of the first.
    plain = {"augment": ["none"], "dropout": 0.0, "label_smoothing": 0.0}
    config = make_config({"task": task.name, **plain, **options})
    splits = task.load(open_source(str(Path(data).resolve()) if Path(data).exists() else data), config)
    config = task.defaults(splits.spec, config)
    loss = task.loss(splits.spec, config)
    batch = splits.train.batch(np.arange(min(16, len(splits.train))))
    model = _built(task, splits, config)
    checks = [
        _check_complete(config),
        _check_deterministic(task, splits, config, model, batch),
        _check_overfits(task, model, batch, loss),
        _check_outputs(task, splits, model.eval(), batch),
        _check_saves(task, splits, config, model, batch),
        _check_shown(task, splits, model),
    ]
    return [problem for problem in checks if problem]


def _built(task: Task, splits: Splits, config: Config) -> nn.Module:
    torch.manual_seed(0)
    return task.build(splits.spec, config)


def _check_complete(config: Config) -> str:
    needed = ("model", "loss", "output", "optimizer", "learning_rate", "batch_size", "schedule", "epochs")
    missing = [name for name in needed if getattr(config, name) is None]
    return f"defaults: leaves {', '.join(missing)} undecided" if missing else ""


@torch.no_grad()
def _outputs(task: Task, model: nn.Module, batch: Batch) -> Tensor:
    return task.judge(model.eval(), batch)


def _check_deterministic(task: Task, splits: Splits, config: Config, model: nn.Module, batch: Batch) -> str:
    again = _built(task, splits, config)
    equal = torch.equal(_outputs(task, model, batch), _outputs(task, again, batch))
    return "" if equal else "build: the same seed gives different networks"


def _check_overfits(task: Task, model: nn.Module, batch: Batch, loss: Loss) -> str:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    losses: list[float] = []
    model.train()
    for _ in range(OVERFIT_STEPS):
        value, _ = task.step(model, batch, loss)
        if not torch.isfinite(value):
            return f"step: the loss is {value.item()} after {len(losses)} steps on one batch"
        losses.append(value.item())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    if min(losses) > OVERFIT_SHARE * losses[0]:
        return f"step: cannot overfit one batch: the loss went from {losses[0]:.3g} to {min(losses):.3g} only"
    return ""


def _check_outputs(task: Task, splits: Splits, model: nn.Module, batch: Batch) -> str:
    outputs = _outputs(task, model, batch)
    if len(outputs) != len(batch.targets):
        return f"build: {len(batch.targets)} samples give {len(outputs)} outputs"
    half = len(batch.targets) // 2
    alone = _outputs(task, model, Batch(tuple(tensor[:half] for tensor in batch.inputs), batch.targets[:half]))
    if not torch.allclose(alone, outputs[:half], rtol=1e-3, atol=1e-4):
        return "build: a sample's output depends on the others in its batch"
    contributions = task.metric(splits.spec).contribution(outputs, batch.targets)
    known = contributions.ndim in (1, 2) and len(contributions) == len(batch.targets)
    return "" if known else "metric: must contribute a number, or a row of numbers, a sample"


def _check_saves(task: Task, splits: Splits, config: Config, model: nn.Module, batch: Batch) -> str:
    loaded = _built(task, splits, config)
    loaded.load_state_dict(safetensors.torch.load(pack(model.state_dict())))
    equal = torch.equal(_outputs(task, loaded, batch), _outputs(task, model, batch))
    return "" if equal else "build: saved and loaded weights give other outputs"


def _check_shown(task: Task, splits: Splits, model: nn.Module) -> str:
    batch = splits.valid.batch(np.arange(len(splits.valid)))
    outputs = _outputs(task, model, batch)
    if len(task.decode(outputs, splits.spec)) != len(outputs):
        return "decode: must give one answer a sample"
    metrics = task.metrics(outputs, batch.targets, splits.spec)
    if metrics.keys() != task.baseline(batch.targets, splits.spec).keys():
        return "baseline: must give the same metrics as `metrics`"
    if task.metric(splits.spec).name not in metrics or "loss" not in metrics:
        return "metrics: must hold the main metric and `loss`"
    return "" if task.draw(splits.valid, outputs, batch.targets, splits.spec) else "draw: draws nothing"
