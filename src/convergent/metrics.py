"""Metrics by their standard names, the trivial baselines, and the bootstrap interval of the main metric.

The computing is torchmetrics'; here lies only what a result needs around it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional import classification as of_classes
from torchmetrics.functional.regression import mean_absolute_error, r2_score

from convergent.types import Metric


def classification_metrics(logits_BC: Tensor, targets_B: Tensor, num_classes: int) -> dict[str, float]:
    """Return accuracy, balanced accuracy, macro F1, log loss and calibration error of logits.

    Only classes that occur in the targets or the predictions count in the macro averages.

    >>> m = classification_metrics(torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 1]), 2)
    >>> m["accuracy"], m["f1_macro"]
    (1.0, 1.0)
    """
    logits_BC = logits_BC.float()
    predicted_B = logits_BC.argmax(1)
    probabilities_BC = logits_BC.softmax(1)
    return {
        "accuracy": (predicted_B == targets_B).float().mean().item(),
        "balanced_accuracy": of_classes.multiclass_recall(
            predicted_B, targets_B, num_classes=num_classes, average="macro"
        ).item(),
        "f1_macro": of_classes.multiclass_f1_score(
            predicted_B, targets_B, num_classes=num_classes, average="macro"
        ).item(),
        "calibration_error": of_classes.multiclass_calibration_error(
            probabilities_BC, targets_B, num_classes=num_classes, n_bins=15
        ).item(),
        "loss": F.cross_entropy(logits_BC, targets_B).item(),
    }


def regression_metrics(predictions_B: Tensor, targets_B: Tensor, std: float = 1.0) -> dict[str, float]:
    """Return rmse, mae, r2 and mse in the target's own units, and as `loss` the mse in units of `std`.

    r2 is NaN for fewer than two samples.

    >>> regression_metrics(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))["mae"]
    1.0
    """
    predictions_B, targets_B = predictions_B.double(), targets_B.double()
    mse = F.mse_loss(predictions_B, targets_B)
    r2 = r2_score(predictions_B, targets_B).item() if len(targets_B) > 1 else float("nan")
    mae = mean_absolute_error(predictions_B, targets_B).item()
    return {"rmse": mse.sqrt().item(), "mae": mae, "r2": r2, "mse": mse.item(), "loss": mse.item() / std**2}


def accuracy_metric() -> Metric:
    """Return accuracy as a main metric: outputs are logits (B, C), targets class ids (B)."""
    return Metric("accuracy", True, lambda logits, targets: (logits.argmax(1) == targets).double(), lambda mean: mean)


def rmse_metric(mean: float = 0.0, std: float = 1.0) -> Metric:
    """Return the root mean squared error; `mean` and `std` bring the outputs (B) to the target's units."""

    def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.double() * std + mean - targets.double()).square()

    return Metric("rmse", False, squared_error, torch.sqrt)


def classification_baseline(targets_B: Tensor, train_class_counts: list[int]) -> dict[str, float]:
    """Return the metrics of always answering with the training split's class frequencies.

    >>> round(classification_baseline(torch.tensor([0, 0, 1]), [8, 2])["accuracy"], 3)
    0.667
    """
    counts_C = torch.tensor(train_class_counts, dtype=torch.float32)
    logits_BC = ((counts_C + 1) / (counts_C + 1).sum()).log().expand(len(targets_B), -1)
    return classification_metrics(logits_BC, targets_B, len(train_class_counts))


def regression_baseline(targets_B: Tensor, train_mean: float, std: float = 1.0) -> dict[str, float]:
    """Return the metrics of always answering with the training split's mean."""
    return regression_metrics(torch.full_like(targets_B, train_mean), targets_B, std)


def bootstrap_interval(metric: Metric, contributions_B: Tensor, seed: int = 0, rounds: int = 1000) -> list[float]:
    """Return the 95 % interval of the main metric by resampling the samples (Efron 1979, percentile method).

    A round draws multinomial counts of the distinct contributions where there are few of them, as with accuracy, so
    that a million samples cost no more than a thousand.

    >>> low, high = bootstrap_interval(accuracy_metric(), torch.tensor([1.0] * 80 + [0.0] * 20))
    >>> low < 0.8 < high
    True
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    if contributions_B.ndim > 1:
        drawn = rng.multinomial(len(contributions_B), np.full(len(contributions_B), 1 / len(contributions_B)), rounds)
        means = torch.from_numpy(drawn).double() @ contributions_B.double() / len(contributions_B)
        return _percentiles(metric.finish(means))
    values, counts = torch.unique(contributions_B.double(), return_counts=True)
    if len(values) <= 64:
        drawn = rng.multinomial(len(contributions_B), (counts / counts.sum()).numpy(), size=rounds)
        means = torch.from_numpy(drawn).double() @ values / len(contributions_B)
    else:
        every = contributions_B.double()
        draws = (torch.from_numpy(rng.integers(len(every), size=len(every))) for _ in range(rounds))
        means = torch.stack([every[draw].mean() for draw in draws])
    return _percentiles(metric.finish(means))


def _percentiles(scores_R: Tensor) -> list[float]:
    low, high = torch.quantile(scores_R.double(), torch.tensor([0.025, 0.975], dtype=torch.double)).tolist()
    return [low, high]
