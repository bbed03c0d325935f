"""What a watch has seen, as it stands in a checkpoint: a training that is killed and resumed is watched as one.

The memory for samples is bounded by the collector, that for activations by its pool; a step adds its loss and, where it
was looked at closely, a few norms. Batches and the tape of the loss serve experiments at the end of a foreign loop: our
own runs have none, so they are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from convergent.doctor.activations import LATE_MASKS, ActivationLog
from convergent.doctor.collect import Collector, Rows
from convergent.doctor.probe import Probe
from convergent.doctor.values import pack, unpack
from convergent.doctor.watch import Watch

FORMAT = 3
PROBE = ("step", "linear_pairs", "branches", "products", "_ran", "_activation_after", "_followed_by", "_last_layer")
LOSS = ("output_transform", "gives_output", "scale", "hand_scale", "values", "parts", "tried")
COLLECTOR = (
    "sizes", "kept_hashes", "seen", "steps_per_epoch", "batches", "open", "repeated", "equal_batches",
    "with_replacement", "counts", "times", "drawn", "_previous", "_previous_step", "_last_step", "_equal_in_a_row",
    "_full",
)  # fmt: skip
Part = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors by name, and the rest as JSON."""


@torch.no_grad()
def stored(watch: Watch, more: dict[str, Any]) -> Part:
    """Return what a watch has seen up to now, and `more` plain values; between two steps only."""
    tensors: dict[str, Tensor] = {}
    content = {
        "probes": [_seen(probe) for probe in watch.probes],
        "failure": str(watch.failure) if watch.failure is not None else None,
        "more": more,
    }
    node = pack(content, tensors)
    return tensors, {"format": FORMAT, "content": node}


def restore(
    watch: Watch, optimizers: Sequence[torch.optim.Optimizer], tensors: dict[str, Tensor], values: dict[str, Any]
) -> dict[str, Any]:
    """Bring back what `stored` gave to a watch of the same models; return the `more` values.

    Raises KeyError, TypeError or ValueError where another version stored something else.
    """
    if values["format"] != FORMAT:
        raise ValueError(f"format {values['format']}")
    content: dict[str, Any] = unpack(values["content"], tensors)
    for probe, seen in zip(watch.probes, content["probes"], strict=True):
        _bring_back(probe, seen)
        probe.optimizers = list(optimizers) if probe.step else []
    if content["failure"] is not None:
        watch.failure = RuntimeError(content["failure"])
        watch.close()
    more: dict[str, Any] = content["more"]
    return more


def _seen(probe: Probe) -> dict[str, Any]:
    probe.close_step()
    probe._pending.read()
    probe.collector.read()
    evidence, collector = probe.evidence, probe.collector
    plain = replace(evidence, losses=[], evaluations=[], data=replace(evidence.data, train=None, valid=None))
    return {
        "evidence": plain,
        "probe": {name: getattr(probe, name) for name in PROBE},
        "loss": {name: getattr(probe.loss_log, name) for name in LOSS},
        "collector": {name: getattr(collector, name) for name in COLLECTOR},
        "inputs": _rows(collector._inputs),
        "targets": _rows(collector._targets),
        "histograms": _kept(probe._activations._histograms),
        "dead": _kept(probe._activations._dead),
    }


def _bring_back(probe: Probe, seen: dict[str, Any]) -> None:
    probe.evidence = seen["evidence"]
    probe.watch_updates()
    for name in PROBE:
        setattr(probe, name, seen["probe"][name])
    for name in LOSS:
        setattr(probe.loss_log, name, seen["loss"][name])
    collector, log = probe.collector, probe._activations
    for name in COLLECTOR:
        setattr(collector, name, seen["collector"][name])
    device = next(probe.model.parameters()).device
    collector._inputs = _rows_again(collector, seen["inputs"], device)
    collector._targets = _rows_again(collector, seen["targets"], device)
    log.prepare(device)
    _keep_again(log, log._histograms, seen["histograms"])
    _keep_again(log, log._dead, seen["dead"])


def _rows(rows: Rows | None) -> tuple[Tensor, Tensor] | None:
    """Return (samples as they are kept, one of their own type)."""
    if rows is None:
        return None
    kept = rows._buffer[: rows._count]
    return kept, torch.zeros(1, *kept.shape[1:], dtype=rows._like)


def _rows_again(collector: Collector, kept: tuple[Tensor, Tensor] | None, device: torch.device) -> Rows | None:
    if kept is None:
        return None
    samples, like = kept
    rows = Rows(like.to(device), collector._most_bytes)
    rows._buffer[: len(samples)].copy_(samples)
    rows._count = len(samples)
    return rows


Vectors = dict[str, tuple[Tensor, int]]


def _kept(vectors: Vectors) -> Vectors:
    """Return the rings of vectors without the rows that are not filled yet, which hold anything."""
    return {name: (memory[: min(count, len(memory))], count) for name, (memory, count) in vectors.items()}


def _keep_again(log: ActivationLog, vectors: Vectors, kept: Vectors) -> None:
    most = 1 if vectors is log._histograms else LATE_MASKS
    for name, (values, count) in kept.items():
        memory = log._pool.take(most, values.shape[1]) if log._pool is not None else None
        if memory is not None:
            memory[: len(values)].copy_(values)
            vectors[name] = (memory, count)
