"""What every classification shares: metrics, answers, and the panels of confusion, calibration and mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from convergent.metrics import accuracy_metric, classification_baseline, classification_metrics
from convergent.types import DataSpec, Metric, Panel, Samples

MOST_IN_MATRIX = 40
NUM_BINS = 15
NUM_MISTAKES = 12
TOP = 5


def metric(spec: DataSpec) -> Metric:
    """Return accuracy."""
    return accuracy_metric()


def metrics(logits_BC: Tensor, targets_B: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of a classification."""
    return classification_metrics(logits_BC, targets_B, len(spec.classes or []))


def baseline(targets_B: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of always answering with the training split's class frequencies."""
    return classification_baseline(targets_B, (spec.class_counts or {})["train"])


def decode_likeliest(logits_BC: Tensor, spec: DataSpec) -> list[dict[str, Any]]:
    """Return {"class", "probability", "probabilities"} of each sample; of many classes the five likeliest."""
    answers = decode_classes(logits_BC, spec.classes or [])
    for answer in answers:
        likeliest = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:TOP]
        answer["probabilities"] = dict(likeliest)
    return answers


def decode_classes(logits_BC: Tensor, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the class, its probability and all probabilities of each sample.

    >>> import torch
    >>> decode_classes(torch.tensor([[0.0, 0.0]]), ["cat", "dog"])[0]["probabilities"]
    {'cat': 0.5, 'dog': 0.5}
    """
    decoded = []
    for row in logits_BC.float().softmax(1).tolist():
        best = max(range(len(row)), key=row.__getitem__)
        named = dict(zip(classes, row, strict=True))
        decoded.append({"class": classes[best], "probability": row[best], "probabilities": named})
    return decoded


def classification_panels(logits_BC: Tensor, targets_B: Tensor, classes: Sequence[str]) -> list[Panel]:
    """Return confusion and calibration of samples whose classes are all known."""
    probabilities_BC = logits_BC.float().softmax(1)
    return [
        confusion_panel(probabilities_BC.argmax(1), targets_B, classes),
        calibration_panel(probabilities_BC, targets_B),
    ]


def confusion_panel(predicted_B: Tensor, targets_B: Tensor, classes: Sequence[str]) -> Panel:
    """Return the confusion matrix, rows true; for many classes the most frequent confusions instead."""
    count = len(classes)
    matrix_CC = (targets_B * count + predicted_B).bincount(minlength=count * count).view(count, count)
    if count <= MOST_IN_MATRIX:
        data: dict[str, Any] = {"labels": list(classes), "values": matrix_CC.tolist()}
        note = "Rows are the true classes, columns the predicted ones."
        return Panel(kind="matrix", section="result", title="Confusion matrix", note=note, data=data)
    wrong = matrix_CC.clone().fill_diagonal_(0).flatten()
    numbers, places = wrong.topk(min(20, len(wrong)))
    rows = [
        [classes[place // count], classes[place % count], number]
        for place, number in zip(places.tolist(), numbers.tolist(), strict=True)
        if number
    ]
    data = {"columns": ["true", "predicted", "samples"], "rows": rows}
    return Panel(kind="table", section="result", title="Most frequent confusions", data=data)


def calibration_panel(probabilities_BC: Tensor, targets_B: Tensor) -> Panel:
    """Return the reliability diagram with the expected calibration error (Guo et al. 2017, arXiv 1706.04599)."""
    confidence_B, predicted_B = probabilities_BC.double().max(1)
    correct_B = (predicted_B == targets_B).double()
    bin_B = (confidence_B * NUM_BINS).long().clamp(0, NUM_BINS - 1)
    size_N = bin_B.bincount(minlength=NUM_BINS)
    filled = size_N > 0
    confidence_N = bin_B.bincount(confidence_B, minlength=NUM_BINS)[filled] / size_N[filled]
    accuracy_N = bin_B.bincount(correct_B, minlength=NUM_BINS)[filled] / size_N[filled]
    error = ((confidence_N - accuracy_N).abs() * size_N[filled]).sum().item() / max(1, len(targets_B))
    return Panel(
        kind="lines",
        section="result",
        title="Calibration",
        note=f"Expected calibration error {error:.3f}: how far confidence and accuracy lie apart on average.",
        data={
            "x": confidence_N.tolist(),
            "series": {"accuracy": accuracy_N.tolist()},
            "x_label": "confidence",
            "y_label": "share correct",
            "diagonal": True,
        },
    )


def most_confident_mistakes(probabilities_BC: Tensor, targets_B: Tensor, most: int = NUM_MISTAKES) -> list[int]:
    """Return the indices of the wrong predictions, the most confident first.

    >>> import torch
    >>> most_confident_mistakes(torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), torch.tensor([0, 0, 0]))
    [2, 1]
    """
    confidence_B, predicted_B = probabilities_BC.max(1)
    wrong = (predicted_B != targets_B).nonzero().flatten()
    order = confidence_B[wrong].argsort(descending=True, stable=True)[:most]
    return [int(index) for index in wrong[order]]


def mistakes_panel(
    samples: Samples,
    probabilities_BC: Tensor,
    targets_B: Tensor,
    classes: Sequence[str],
    values: Callable[[int], dict[str, str]],
) -> Panel:
    """Return the most confident mistakes as a table; `values` says what else it shall tell of a sample."""
    confidence_B, predicted_B = probabilities_BC.max(1)
    columns = ["sample", "true", "predicted", "probability"]
    rows: list[list[Any]] = []
    for index in most_confident_mistakes(probabilities_BC, targets_B):
        more = values(index)
        columns = [*columns[:4], *more]
        true, predicted = classes[int(targets_B[index])], classes[int(predicted_B[index])]
        rows.append([samples.name(index), true, predicted, round(float(confidence_B[index]), 3), *more.values()])
    wrong = int((predicted_B != targets_B).sum())
    note = f"{wrong} of {len(targets_B)} samples are predicted wrongly." if wrong else "There is none."
    data = {"columns": columns, "rows": rows}
    return Panel(kind="table", section="mistakes", title="Most confident mistakes", note=note, data=data)
