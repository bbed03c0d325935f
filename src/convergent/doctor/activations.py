"""What a network's activations give on sampled steps: summaries, histograms, units that stay dead."""

from __future__ import annotations

import torch
from torch import Tensor

from convergent.doctor.measure import (
    RECTIFIERS,
    Pending,
    Pool,
    activation_summaries,
    dead_mask,
    dead_share,
    first_samples,
    histogram,
)
from convergent.doctor.readings import to_host
from convergent.doctor.record import ActivationSample, Evidence

LATE_MASKS = 12
HISTOGRAM_STEPS = frozenset(4**power for power in range(12))


class ActivationLog:
    """Notes the activations of a step; they go to the evidence between steps."""

    def __init__(self) -> None:
        self._now: list[ActivationSample] = []
        self._times: dict[str, int] = {}
        self._pool: Pool | None = None
        self._histograms: dict[str, tuple[Tensor, int]] = {}
        self._dead: dict[str, tuple[Tensor, int]] = {}

    def prepare(self, device: torch.device) -> None:
        """Take the memory, if that has not been done."""
        self._pool = self._pool or Pool(device)

    def note(self, step: int, kind: str, layer: str, output: Tensor, pending: Pending) -> None:
        """Summarise an activation's output, (samples, units ...)."""
        if output.ndim < 2 or not output.numel():
            return
        output = first_samples(output)
        count = self._times.get(layer or kind, 0)
        self._times[layer or kind] = count + 1
        name = (layer or kind) if not count else f"{layer or kind}#{count + 1}"
        units = output.shape[1] if output.ndim >= 4 else output.shape[-1]
        sample = ActivationSample(step, name, kind, units, 0.0, 0.0, 0.0, 0.0)
        self._now.append(sample)
        if step in HISTOGRAM_STEPS:
            self._keep(self._histograms, name, 1, histogram(output))
        summaries = activation_summaries(kind, output)
        if kind in RECTIFIERS:
            mask = dead_mask(output)
            self._keep(self._dead, name, LATE_MASKS, mask)
            summaries["zero_units"] = mask.float().mean()
        names = list(summaries)
        pending.add_all(list(summaries.values()), lambda values: vars(sample).update(zip(names, values, strict=True)))

    def _keep(self, kept: dict[str, tuple[Tensor, int]], name: str, most: int, value: Tensor) -> None:
        """Copy a small vector into a ring of `most` of them in the pool's memory."""
        if name not in kept and self._pool is not None and (memory := self._pool.take(most, len(value))) is not None:
            kept[name] = (memory, 0)
        if name in kept and kept[name][0].shape[1] == len(value):
            memory, count = kept[name]
            memory[count % most].copy_(value)
            kept[name] = (memory, count + 1)

    def collect(self, evidence: Evidence) -> None:
        """Add what was noted since the last time; between steps, for a list that grows in their midst stays there."""
        evidence.activations += self._now
        self._now = []

    def next_step(self) -> None:
        """Count the calls of each activation anew."""
        self._times.clear()

    def finish(self, evidence: Evidence) -> None:
        """Add what is read at the end."""
        self.collect(evidence)
        shares = [dead_share(memory[: min(count, LATE_MASKS)]) for memory, count in self._dead.values()]
        values = to_host([*shares, *(memory[0] for memory, _ in self._histograms.values())])
        dead, histograms = values[: len(shares)], values[len(shares) :]
        evidence.dead_units = {name: mine[0] for name, mine in zip(self._dead, dead, strict=True)}
        evidence.histograms = dict(zip(self._histograms, histograms, strict=True))
