"""Whether two trainings are the same one: equal weights, equal rules for the steps, equal samples, however they came.

A changed learning rate and then an optimiser that brings its own is that optimiser alone: it is tried once.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from convergent.treat.chosen import ChosenSamples
from convergent.treat.patient import Patient
from convergent.types import Samples

OF_OPTIMIZER = {"optimizer", "learning_rate", "momentum", "nesterov", "beta1", "beta2", "weight_decay"}
"""Options that nothing reads where the user's optimiser brings its own."""


def fingerprint(patient: Patient) -> str:
    """Return a key that two trainings share where they come to the same weights."""
    options = patient.config.model_dump(exclude=OF_OPTIMIZER if patient.own is not None else set())
    augment = patient.recipe.augment
    parts = [
        _network(patient.model),
        _described(patient.recipe.loss),
        repr(patient.own),
        repr(sorted(options.items())),
        _described(augment) if augment is not None and patient.tasks is None else "",
        _samples(patient.train),
        _samples(patient.valid),
        str(patient.batch_size),
    ]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _network(model: nn.Module) -> str:
    kinds = [(name, type(module).__qualname__, module.extra_repr()) for name, module in model.named_modules()]
    calls = [getattr(module, "instead", None) for module in model.modules()]
    tensors = [(name, _digest(value)) for name, value in model.state_dict().items()]
    trained = [(name, parameter.requires_grad) for name, parameter in model.named_parameters()]
    return repr((kinds, calls, tensors, trained))


def _digest(tensor: Tensor) -> str:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return f"{tuple(tensor.shape)}{hashlib.blake2b(flat.numpy().tobytes(), digest_size=16).hexdigest()}"


def _described(value: Any) -> str:
    """Return what a loss or an augmentation is made of: its class and what it holds, or the function's name."""
    if isinstance(value, Tensor):
        return _digest(value)
    if isinstance(value, nn.Module):
        return _network(value) + repr(sorted((k, repr(v)) for k, v in vars(value).items() if not k.startswith("_")))
    held = getattr(value, "__dict__", None)
    if callable(value) and held is not None and not hasattr(value, "__code__"):
        return repr((type(value).__qualname__, sorted((key, _described(one)) for key, one in held.items())))
    return repr(value)


def _samples(samples: Samples) -> str:
    if isinstance(samples, ChosenSamples):
        chosen = hashlib.blake2b(samples.chosen.tobytes(), digest_size=16).hexdigest()
        return f"{chosen} of {_samples(samples.samples)}"
    return str(id(samples))
