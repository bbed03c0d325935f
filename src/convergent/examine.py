"""The doctor on our own runs: before the first step, while it trains, and at the end."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from convergent.config import Config
from convergent.data.lengths import lengths_of
from convergent.doctor.charts import panels
from convergent.doctor.diagnose import judge
from convergent.doctor.experiments import own_randomness
from convergent.doctor.experiments.dependence import future_leak, is_causal, samples_mix
from convergent.doctor.hashes import hash_samples
from convergent.doctor.rank import ranked
from convergent.doctor.record import Evaluation, Evidence, LossCall, LossKind, SampleSet
from convergent.doctor.rules import BEFORE_TRAINING, WHILE_TRAINING
from convergent.doctor.show import plain
from convergent.doctor.store import restore, stored
from convergent.doctor.subject import Subject
from convergent.doctor.watch import Watch
from convergent.engine.checkpoint import Part
from convergent.engine.state import TrainState
from convergent.engine.step import Recipe
from convergent.types import DataSpec, EvalRecord, Finding, Panel, Samples, Splits, StepRecord

PREFLIGHT_TRAIN = 4096
PREFLIGHT_VALID = 2048
PREFIX, KEY = "doctor.", "doctor"
MOST_BYTES = 64 * 2**20
FIRST_SHARE = 0.25
"""Live findings wait for a quarter of the training: before that, not to have learned much is normal."""

SLOW = frozenset(
    {
        "training/slow-convergence",
        "training/underfitting",
        "training/constant-output",
        "training/learning-rate-too-low",
        "result/no-better-than-baseline",
    }
)
OF_ITS_COURSE = frozenset(
    ["training/divergence", "training/exploding-gradient", "training/loss-spike", "training/non-finite"]
)
"""What can be said of a training that was not seen from its first step."""
OF_LIKE_BATCHES = frozenset(["training/learning-rate-too-high", "training/oscillating-loss", "training/loss-spike"])
"""What is told by how losses follow each other from step to step."""

Tell = Callable[[Finding], None]


def some_samples(samples: Samples, most: int, seed: int, longest: int = 0) -> tuple[SampleSet, np.ndarray]:
    """Return at most `most` samples drawn at random as the rules read them, and their indices.

    Where samples differ in length they are padded to `longest`, so that equal ones look alike in every split.
    """
    count = min(most, len(samples))
    indices = np.sort(np.random.default_rng(seed).choice(len(samples), count, replace=False)).astype(np.int64)
    batch = samples.batch(indices)
    padded = [pad(part, (0, longest - part.shape[1])) for part in batch.inputs] if longest else batch.inputs
    hashes = [hash_samples(part) for part in padded]
    whole = [hash(parts) for parts in zip(*hashes, strict=True)] if all(hashes) else []
    numbers = [part for part in batch.inputs if part.is_floating_point() or part.dtype == torch.uint8]
    rows = [part.float().reshape(count, -1) if len(numbers) > 1 else part.float() for part in numbers]
    inputs = torch.cat(rows, 1) if len(rows) > 1 else rows[0] if rows else batch.inputs[0]
    return SampleSet(inputs, batch.targets, [count], whole, count == len(samples), len(samples)), indices


def first_evidence(splits: Splits, config: Config, model: nn.Module) -> tuple[Evidence, np.ndarray]:
    """Return what is known of the data before training, and which training samples the evidence holds."""
    evidence = Evidence(name=str(config.model), num_parameters=sum(p.numel() for p in model.parameters()))
    data = evidence.data
    lengths = [lengths_of(part) for part in (splits.train, splits.valid)]
    longest = max((int(one.max()) for one in lengths if one is not None), default=0)
    data.train, indices = some_samples(splits.train, PREFLIGHT_TRAIN, config.seed, longest)
    data.valid, _ = some_samples(splits.valid, PREFLIGHT_VALID, config.seed, longest)
    if data.train.hashes and data.valid.hashes:
        known = set(data.train.hashes)
        data.overlap = sum(value in known for value in data.valid.hashes) / len(data.valid.hashes)
    classes = splits.spec.classes
    targets = data.train.targets
    assert targets is not None
    data.num_classes = len(classes) if classes else None
    shape = (len(targets), len(classes)) if classes else tuple(targets.shape)
    kind: LossKind = "cross_entropy" if classes else "mse"
    weighted = bool(config.class_weights)
    data.loss = LossCall(kind, "", shape, tuple(targets.shape), bool(classes), weighted=weighted)
    return evidence, indices


def preflight(splits: Splits, config: Config, model: nn.Module, recipe: Recipe) -> list[Finding]:
    """Return what can be found of data and set-up before the first step; it draws from no generator of the run."""
    with own_randomness():
        evidence, indices = first_evidence(splits, config, model)
        batch = splits.train.batch(indices[: min(32, len(indices))])
        inputs = tuple(part.to(recipe.device) for part in batch.inputs)
        subject = Subject(
            model=awake(copy.deepcopy(model)),
            initial_state=None,
            loss=recipe.loss,
            train_batches=[(inputs, {}, batch.targets.to(recipe.device))],
            make_optimizer=lambda copied, factor: torch.optim.SGD(copied.parameters(), lr=factor),
            batch_size=len(batch.targets),
        )
        evidence.experiments.samples_mix = samples_mix(subject)
        if is_causal(subject):
            evidence.experiments.future_leak = future_leak(subject)
        found = judge(evidence, BEFORE_TRAINING)
    return [with_names(one, splits.train, indices) for one in found]


@torch.no_grad()
def awake(model: nn.Module) -> nn.Module:
    """Return the network with numbers in its matrices of zeros: with them no output depends on anything yet."""
    for parameter in model.parameters():
        if parameter.ndim >= 2 and not parameter.any():
            nn.init.normal_(parameter, std=1 / math.sqrt(parameter[0].numel()))
    return model


def with_names(one: Finding, samples: Samples, indices: np.ndarray) -> Finding:
    """Return a finding with files or rows of the user's data in place of positions."""
    rows = one.evidence.get("rows")
    if not rows:
        return one
    names = [samples.name(int(indices[row])) for row in rows]
    return one.model_copy(update={"where": ", ".join(names[:5]), "evidence": {**one.evidence, "samples_named": names}})


def exchangeable(found: Sequence[Finding], samples: Samples) -> list[Finding]:
    """Return the findings, of batches by length without those that take any two batches for alike.

    Long texts and short ones may hold other classes: the loss then swings from batch to batch in a sound training too.
    """
    by_length = lengths_of(samples) is not None
    return [one for one in found if not (by_length and one.code in OF_LIKE_BATCHES)]


class RunDoctor:
    """An observer of one run: it tells of a finding as soon as there is one, and gives all of them at the end."""

    def __init__(self, state: TrainState, splits: Splits, config: Config, compiled: bool, tell: Tell) -> None:
        self._tell, self._splits, self._config, self._state = tell, splits, config, state
        self._told: set[str] = set()
        self._from_start = state.progress.step == 0
        self._losses: list[Tensor] = []
        self._evaluations: list[Evaluation] = []
        self._watch = Watch(evaluations=False)
        if not compiled:  # one graph has no hooks: there the losses and evaluations are all that is seen
            self._watch.add_model(state.model)
            for optimizer in state.optimizers:
                self._watch.add_optimizer(optimizer)

    def after_backward(self, step: int) -> None:
        """Do nothing: the watch sees gradients by itself."""

    def after_step(self, record: StepRecord) -> None:
        """Keep the loss, which stays on the device."""
        self._losses.append(record.loss)

    def after_evaluation(self, record: EvalRecord) -> None:
        """Keep the evaluation, and look whether something is wrong by now."""
        self._evaluations.append(evaluation_of(record, self._splits.spec, len(self._splits.valid)))
        if record.step < FIRST_SHARE * self._state.progress.total_steps:
            return
        for one in self._judged(self._evidence()):
            if one.severity != "info" and one.code not in self._told:
                self._told.add(one.code)
                self._tell(one)

    def findings(self) -> list[Finding]:
        """Return what makes this training fail, causes first: what a treatment of our own runs is for.

        The options that were not given are good practice already, so a warning is no reason to try others; and that
        little was learned says nothing before a quarter of the training. Of a training that was not watched from its
        first step only what comes over it is said: weights in its midst would be taken for those of its start.
        """
        self.pause()
        early = self._state.progress.step < FIRST_SHARE * self._state.progress.total_steps
        found = [one for one in self._judged(self._evidence()) if one.severity == "critical"]
        found = [one for one in found if not (early and one.code in SLOW)]
        return found if self._from_start else [one for one in found if one.code in OF_ITS_COURSE]

    def _judged(self, evidence: Evidence) -> list[Finding]:
        return exchangeable(judge(evidence, WHILE_TRAINING), self._splits.train)

    def stored(self) -> Part:
        """Return what was seen up to now, for a checkpoint; nothing, where that would be larger than 64 MB.

        An error of the doctor's own costs its watch, not the training.
        """
        losses = torch.stack(self._losses) if self._losses else None
        more = {
            "losses": losses,
            "evaluations": self._evaluations,
            "told": self._told,
            "from_start": self._from_start,
        }
        try:
            tensors, values = stored(self._watch, more)
        except Exception as error:
            self._watch.fail(error)
            tensors, values = stored(self._watch, more)
        if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > MOST_BYTES:
            return {}, {}
        return {f"{PREFIX}{name}": tensor for name, tensor in tensors.items()}, {KEY: values}

    def restore(self, tensors: dict[str, Tensor], manifest: dict[str, Any]) -> bool:
        """Bring back what `stored` gave to a checkpoint; False where there is nothing that can be used."""
        mine = {name.removeprefix(PREFIX): one for name, one in tensors.items() if name.startswith(PREFIX)}
        try:
            more = restore(self._watch, self._state.optimizers, mine, manifest[KEY])
        except (KeyError, TypeError, ValueError):  # of an older version, or of another
            return False
        losses = more["losses"]
        self._losses = list(losses.to(next(self._state.model.parameters()).device)) if losses is not None else []
        self._evaluations, self._told, self._from_start = more["evaluations"], more["told"], more["from_start"]
        return True

    def pause(self) -> None:
        """See nothing until the training goes on."""
        self._watch.pause()

    def close(self) -> None:
        """Take all hooks off."""
        self._watch.close()

    def _evidence(self) -> Evidence:
        probes = self._watch.probes
        evidence = probes[0].finish() if probes and not self._watch.failure else Evidence(name=str(self._config.model))
        evidence.losses = torch.stack(self._losses).float().tolist() if self._losses else []
        evidence.evaluations = list(self._evaluations)
        evidence.data.overlap = None
        return evidence

    def finish(self) -> tuple[list[Finding], list[Panel]]:
        """Return the findings of the whole training, and their evidence as figures."""
        self._watch.close()
        evidence = self._evidence()
        evidence.data = first_evidence(self._splits, self._config, self._state.model)[0].data
        evidence.data.overlap = None
        return self._judged(evidence), panels(evidence)


def evaluation_of(record: EvalRecord, spec: DataSpec, samples: int) -> Evaluation:
    """Return an evaluation of the run in the doctor's terms: accuracy above the majority's, R2 above zero."""
    metrics = record.metrics
    loss = metrics.get("loss")
    counts = (spec.class_counts or {}).get(record.split) or (spec.class_counts or {}).get("train")
    name = "accuracy" if spec.classes else "r2"
    baseline = max(counts) / sum(counts) if counts else 0.0
    error = 2 * (loss or 0.0) / math.sqrt(max(1, samples))
    interval = (loss - error, loss + error) if loss is not None else None
    return Evaluation(
        record.step, "valid", samples, loss, metrics.get(name), False, interval=interval, baseline=baseline
    )


def merged(before: Sequence[Finding], during: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings of preflight and training together, as they are written."""
    later = {one.code for one in during}  # what the training has confirmed is said once, with what it showed
    return [plain(one.model_dump()) for one in ranked([*(one for one in before if one.code not in later), *during])]
