"""A Keras model in the doctor's terms: its layers, its loss, its weights by layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from convergent.doctor.ledger import described
from convergent.doctor.record import Layer, LossKind

KINDS = {"Dense": "Linear", "EinsumDense": "Linear", "Conv1D": "Conv1d", "Conv2D": "Conv2d", "Conv3D": "Conv3d"}
LOSSES: dict[str, LossKind] = {
    "mean_squared_error": "mse",
    "mse": "mse",
    "mean_absolute_error": "l1",
    "mae": "l1",
    "huber": "smooth_l1",
}


def _own_layers(model: Any) -> list[Any]:
    """Return the innermost layers that have weights."""
    return [layer for layer in model._flatten_layers(include_self=False) if layer._trainable_variables]


def layers_of(model: Any) -> list[Layer]:
    """Return the model's layers with a kernel, in the order of the definition."""
    found = []
    for layer in _own_layers(model):
        weights = [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in layer.weights]
        matrices = [w for w in weights if w.ndim >= 2]
        if not matrices:
            continue
        kind = type(layer).__name__
        count = sum(w.size for w in weights)
        trainable = count if layer.trainable else 0
        found.append(described(layer.name, KINDS.get(kind, kind), max(matrices, key=np.size), count, trainable))
    for index, one in enumerate(found):
        one.is_last = index == len(found) - 1
    return found


def loss_of(model: Any) -> tuple[LossKind, str, int, str, bool]:
    """Return (kind, name, outputs, last activation, takes probabilities): what torch would call the compiled loss."""
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    shape = model.output_shape
    width = int(shape[-1] or 1) if isinstance(shape, tuple) and isinstance(shape[-1], int | None) else 1
    activation = getattr(getattr(_own_layers(model)[-1], "activation", None), "__name__", "linear")
    transform = "" if activation == "linear" else activation
    options = loss.get_config() if hasattr(loss, "get_config") else {}
    logits = bool(options.get("from_logits", False))
    if "categorical" in name:
        return ("cross_entropy" if logits else "nll"), name, width, transform, not logits
    if "binary_crossentropy" in name:
        return ("bce_with_logits" if logits else "bce"), name, width, transform, not logits
    return LOSSES.get(name, "other"), name, width, transform, False


def weights_of(model: Any) -> dict[str, list[np.ndarray]]:
    """Return a copy of every trainable weight, by layer."""
    return {
        layer.name: [np.array(keras.ops.convert_to_numpy(weight)) for weight in layer.trainable_weights]
        for layer in _own_layers(model)
        if layer.trainable_weights
    }


def gradients_of(model: Any) -> dict[str, list[np.ndarray]]:
    """Return the gradients that lie in torch's tensors, by layer."""
    found = {
        layer.name: [w.value.grad.cpu().numpy() for w in layer.trainable_weights if w.value.grad is not None]
        for layer in _own_layers(model)
    }
    return {name: mine for name, mine in found.items() if mine}
