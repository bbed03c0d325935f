"""Evidence from what any framework gives: losses, weights and gradients as arrays, metrics of epochs.

Where nobody can look into the forward pass (a TensorFlow graph, a JAX program), this is what a diagnosis rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from convergent.doctor.functions import ADAPTIVE
from convergent.doctor.layers import describe_weight, weight_numbers
from convergent.doctor.measure import joined, norms
from convergent.doctor.record import Evaluation, Evidence, Layer, LossCall, LossKind, StepSample
from convergent.doctor.steps import is_sampled

Arrays = Mapping[str, Sequence[np.ndarray]]
"""By layer name."""


def described(name: str, kind: str, kernel: np.ndarray, count: int, trainable: int) -> Layer:
    """Return a layer from its kernel, output units last as TensorFlow and Keras have it.

    >>> described("dense", "Linear", np.zeros((5, 3)), 18, 18).weight_shape
    (3, 5)
    """
    weight = torch.from_numpy(np.moveaxis(np.asarray(kernel, dtype=np.float32), -1, 0).copy())
    fan_in, fan_out = weight[0].numel(), weight.numel() // max(1, weight.shape[1])
    layer = describe_weight(name, kind, tuple(weight.shape), fan_in, fan_out, weight_numbers(weight).tolist())
    layer.num_parameters, layer.trainable, layer.in_optimizer = count, trainable, trainable
    return layer


def size_by_layer(arrays: Arrays) -> dict[str, float]:
    """Return the norm of each layer's arrays together.

    >>> size_by_layer({"dense": [np.array([3.0]), np.array([4.0])]})
    {'dense': 5.0}
    """
    tensors = {name: norms([torch.as_tensor(np.asarray(a)) for a in mine]) for name, mine in arrays.items()}
    return {name: float(joined(mine)) for name, mine in tensors.items() if mine}


class Ledger:
    """Takes steps and evaluations as they come; `evidence` is what the rules read."""

    def __init__(self, name: str, layers: Sequence[Layer], optimizer: str, weight_decay: float = 0.0) -> None:
        self.evidence = Evidence(name=name, layers=list(layers), optimizer=optimizer, weight_decay=weight_decay)
        self.evidence.num_parameters = sum(layer.num_parameters for layer in layers)
        self.evidence.adaptive = optimizer in ADAPTIVE
        self._before: Arrays = {}

    def set_loss(self, kind: LossKind, name: str, width: int, transform: str, of_probabilities: bool) -> None:
        """Note the loss, how many outputs it gets, the last activation before it, and whether it takes the log."""
        index = kind in ("cross_entropy", "nll")
        shape = (0,) if index else (0, width)
        call = LossCall(kind, name, (0, width), shape, index, of_probabilities=of_probabilities)
        self.evidence.data.loss = call
        self.evidence.experiments.output_transform = transform
        if index:
            self.evidence.data.num_classes = width

    @property
    def wants_weights(self) -> bool:
        """Whether the coming step is to be looked at closely."""
        return is_sampled(len(self.evidence.losses))

    def before_step(self, weights: Arrays) -> None:
        """Take the weights before a step."""
        self._before = weights

    def after_step(self, loss: float, rate: float, weights: Arrays, gradients: Arrays) -> None:
        """Take the loss of a step, and where it was to be looked at closely, the weights after it."""
        step = len(self.evidence.losses)
        self.evidence.losses.append(loss)
        if not weights or not self._before:
            return
        sample = StepSample(step, loss, rate)
        sample.weight_norm = size_by_layer(self._before)
        moves = {name: [a - b for a, b in zip(weights[name], self._before[name], strict=True)] for name in weights}
        sample.update_norm = size_by_layer(moves)
        sample.grad_norm = size_by_layer(gradients)
        self.evidence.samples.append(sample)
        self._before = {}

    def evaluation(self, loss: float, metric: float | None, samples: int = 0) -> None:
        """Take an evaluation on validation data."""
        step = len(self.evidence.losses)
        self.evidence.evaluations.append(Evaluation(step, "valid", samples, loss, metric, False))
