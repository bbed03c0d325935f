"""Sharpness and gradient noise at the final weights: evidence on step and batch size.

Cohen et al. 2021, https://arxiv.org/abs/2103.00065 (edge of stability: learning rate times largest eigenvalue near 2);
McCandlish et al. 2018, https://arxiv.org/abs/1812.06162 (simple noise scale).
"""

from __future__ import annotations

import torch
from torch import Tensor

from convergent.doctor.measure import joined, norms
from convergent.doctor.record import Evidence
from convergent.doctor.subject import Subject, rearranged

ITERATIONS = 8
MOST_PARAMETERS = 10**6


def _weights(subject: Subject) -> list[Tensor]:
    return [p for p in subject.model.parameters() if p.requires_grad]


def noise_scale(subject: Subject) -> float | None:
    """Return the simple noise scale tr(Sigma) / |G|^2 in samples, from gradients of several batches."""
    weights = _weights(subject)
    if len(subject.train_batches) < 4 or sum(w.numel() for w in weights) > MOST_PARAMETERS:
        return None
    subject.model.eval()
    total: list[Tensor] = []
    squares, batches = torch.zeros((), device=weights[0].device), len(subject.train_batches)
    # Halves: a whole batch in another mode than training's has needed more memory than a step of the training.
    half = torch.arange(max(1, subject.batch_size // 2))
    for example in subject.train_batches:
        part = rearranged(example, subject.batch_size, half)
        found = torch.autograd.grad(subject.loss_of(part), weights, allow_unused=True)
        grads = [g for g in found if g is not None]
        squares = squares + joined(norms(grads)).pow(2)
        # Summed as they come: all of them together would show in the peak of the memory.
        total = [whole.add_(g) for whole, g in zip(total, grads, strict=True)] if total else grads
    small, large = squares / batches, (joined(norms(total)) / batches).pow(2)
    signal = (batches * large - small) / (batches - 1)
    noise = (small - large) / (1 - 1 / batches) * len(half)
    return float(noise / signal) if signal > 0 else None


def sharpness(subject: Subject, evidence: Evidence) -> float | None:
    """Return the learning rate times the Hessian's largest eigenvalue, by power iteration; for plain SGD only."""
    weights = _weights(subject)
    if evidence.adaptive or not evidence.samples or sum(w.numel() for w in weights) > MOST_PARAMETERS:
        return None
    subject.model.eval()
    loss = subject.loss_of(subject.train_batches[0])
    grads = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    pairs = [(w, g) for w, g in zip(weights, grads, strict=True) if g is not None]
    vector = [torch.randn_like(w) for w, _ in pairs]
    value = 0.0
    for _ in range(ITERATIONS):
        norm = torch.stack([v.norm() for v in vector]).norm()
        vector = [v / norm for v in vector]
        product = sum((g * v).sum() for (_, g), v in zip(pairs, vector, strict=True))
        assert isinstance(product, Tensor)
        turned = torch.autograd.grad(product, [w for w, _ in pairs], retain_graph=True, allow_unused=True)
        vector = [t if t is not None else torch.zeros_like(w) for t, (w, _) in zip(turned, pairs, strict=True)]
        value = float(torch.stack([v.norm() for v in vector]).norm())
    return value * evidence.samples[-1].learning_rate
