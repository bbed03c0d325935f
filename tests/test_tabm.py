"""TabM, the plain network and the two table tasks: shapes, averaging, learning, prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convergent.config import Config, make_config
from convergent.data.source import open_source
from convergent.models.embeddings import Categories, PiecewiseLinear, TableInput
from convergent.models.mlp import TableMLP
from convergent.models.tabm import EnsembleLinear, TabM, combine
from convergent.task import Task, find_task
from convergent.types import Splits, UserError

EDGES = [[-1.0, 0.0, 0.5, 1.0], [-2.0, 2.0]]


def network(num_classes: int | None, output: str) -> TabM:
    torch.manual_seed(0)
    source = TableInput(EDGES, 1, [4, 3])
    return TabM(source, num_classes, output=output, width=16, depth=2, members=5, dropout=0.1, activation="relu")


def rows(count: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(count, 3), torch.randint(0, 3, (count, 2))


def test_shapes_in_training_and_evaluation() -> None:
    classes, number = network(6, "softmax"), network(None, "linear")
    assert classes(*rows()).shape == (7, 5, 6) and number(*rows()).shape == (7, 5)
    assert classes.eval()(*rows()).shape == (7, 6) and number.eval()(*rows()).shape == (7,)


def test_evaluation_is_the_mean_over_the_members() -> None:
    model = network(6, "softmax").eval()
    outputs_BKC = model.head(model.hidden(model.source(*rows()).unsqueeze(1)))
    torch.testing.assert_close(model(*rows()).exp(), outputs_BKC.softmax(2).mean(1))
    logits_BC = combine(outputs_BKC, "sigmoid")
    torch.testing.assert_close(logits_BC.sigmoid(), outputs_BKC.sigmoid().mean(1))


def test_members_differ_and_share_their_weights() -> None:
    model = network(6, "softmax").eval()
    hidden_BKD = model.hidden(model.source(*rows()).unsqueeze(1))
    assert (hidden_BKD[:, 0] - hidden_BKD[:, 1]).abs().max() > 0.01
    shared = sum(layer.shared.weight.numel() for layer in model.modules() if isinstance(layer, EnsembleLinear))
    assert shared == model.source.width * 16 + 16 * 16


def test_piecewise_linear_bends_only_at_its_edges() -> None:
    layer = PiecewiseLinear(EDGES, 4)
    x_BF = torch.tensor([[-5.0, 0.0], [-1.0, 0.0], [0.25, 0.0], [9.0, 0.0]])
    plain_BFD = layer(x_BF)
    with torch.no_grad():
        layer.bin_weight.fill_(1.0)
    filled_B = (layer(x_BF) - plain_BFD)[:, 0, 0]
    torch.testing.assert_close(filled_B, torch.tensor([0.0, 0.0, 1.5, 3.0]))
    torch.testing.assert_close(plain_BFD, x_BF.unsqueeze(2) * layer.weight + layer.bias)


def test_unknown_category_starts_at_zero() -> None:
    assert not Categories([4, 40])(torch.zeros(1, 2, dtype=torch.int64)).any()


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "tanh"])
def test_plain_network(activation: str) -> None:
    source = TableInput([], 2, [3])
    model = TableMLP(source, None, width=8, depth=2, dropout=0.0, activation=activation)
    assert model(torch.zeros(5, 2), torch.zeros(5, 1, dtype=torch.int64)).shape == (5,)
    assert not any(layer.bias is not None for layer in model.layers[:-1] if isinstance(layer, nn.Linear))


def make_table(folder: Path, rows: int = 240) -> str:
    """Write a table whose class and number follow from its columns."""
    generator = np.random.default_rng(0)
    lines = ["a,b,shape,amount,kind"]
    for a, b in generator.normal(size=(rows, 2)):
        shape = "round" if generator.random() < 0.5 else "flat"
        amount = 1e6 + 1e5 * (a - (b if shape == "round" else -b))
        lines.append(f"{a:.4f},{'' if b > 2 else f'{b:.4f}'},{shape},{amount:.1f},{'high' if amount > 1e6 else 'low'}")
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return str(path)


def prepare(folder: Path, name: str, **options: Any) -> tuple[Task, Splits, Config]:
    config = make_config(width=32, depth=2, **options)
    task = find_task(name)
    splits = task.load(open_source(make_table(folder)), config)
    return task, splits, task.defaults(splits.spec, config)


def fit(task: Task, splits: Splits, config: Config, steps: int = 150) -> nn.Module:
    torch.manual_seed(0)
    model, loss = task.build(splits.spec, config), task.loss(splits.spec, config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(steps):
        batch = splits.train.batch(np.arange(step * 32, step * 32 + 32) % len(splits.train))
        value, _ = task.step(model, batch, loss)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("model", ["tabm", "mlp"])
@pytest.mark.parametrize(
    ("name", "target", "drop"),
    [("tabular-classification", "kind", "amount"), ("tabular-regression", "amount", "kind")],
)
def test_a_task_learns_and_draws(tmp_path: Path, model: str, name: str, target: str, drop: str) -> None:
    task, splits, config = prepare(tmp_path, name, model=model, target=target, drop=[drop])
    network = fit(task, splits, config)
    assert splits.test is not None
    inputs, targets = splits.test.batch(np.arange(len(splits.test)))
    with torch.no_grad():
        outputs = network(*inputs)
    assert torch.isfinite(task.loss(splits.spec, config)(outputs, targets))
    metric, metrics = task.metric(splits.spec), task.metrics(outputs, targets, splits.spec)
    assert metrics[metric.name] == pytest.approx(float(metric.finish(metric.contribution(outputs, targets).mean())))
    baseline = task.baseline(targets, splits.spec)
    if metric.higher_is_better:
        assert metrics[metric.name] > 0.75 > baseline[metric.name]
    else:
        assert metrics[metric.name] < 0.4 * baseline[metric.name]
    decoded = task.decode(outputs, splits.spec)
    assert len(decoded) == len(targets)
    panels = task.draw(splits.test, outputs, targets, splits.spec)
    assert {panel.section for panel in panels} == {"data", "result", "mistakes"}


def test_predictions_are_in_the_targets_units(tmp_path: Path) -> None:
    task, splits, _ = prepare(tmp_path, "tabular-regression", target="amount")
    assert task.decode(torch.zeros(1), splits.spec)[0]["prediction"] == splits.spec.target_mean


def test_defaults_keep_what_was_set_and_decide_the_rest(tmp_path: Path) -> None:
    task, splits, config = prepare(tmp_path, "tabular-classification", target="kind", learning_rate=0.5)
    assert config.learning_rate == 0.5 and config.width == 32 and config.batch_size == 32
    assert config.loss == "cross_entropy" and task.defaults(splits.spec, config) == config
    undecided = [name for name, value in config if value is None]
    assert not {"epochs", "optimizer", "schedule", "dropout", "ema", "early_stopping", "monitor"} & set(undecided)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "tabn"}, "Did you mean `tabm`"),
        ({"image_size": 32}, "--image-size has no meaning"),
        ({"pretrained": "timm"}, "--pretrained has no meaning"),
        ({"augment": ["flip"]}, "is for images"),
        ({"model": "mlp", "ensemble": 4}, "--ensemble is for"),
    ],
)
def test_options_without_meaning_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tmp_path, "tabular-classification", target="kind", **options)


def test_losses_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    task, splits, config = prepare(tmp_path, "tabular-regression", target="amount", loss="cross_entropy")
    with pytest.raises(UserError, match="does not fit a target of a number"):
        task.loss(splits.spec, config)
