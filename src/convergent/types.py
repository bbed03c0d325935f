"""The nouns that cross rooms.

Everything here is an immutable value (or a protocol), so a module that watches the training can never change it.
No function of this file imports torch: the command line stays light until a verb needs tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class UserError(Exception):
    """A mistake that the user can mend: the message says what is wrong, where, and how to mend it.

    The command line prints it as one line and exits with status 2; it shows no traceback.
    """


class Batch(NamedTuple):
    """Samples side by side: `model(*batch.inputs)` is the forward pass."""

    inputs: tuple[Tensor, ...]
    targets: Tensor


class Samples(Protocol):
    """An ordered collection of samples in which any selection is a pure function of its indices."""

    @property
    def decoded(self) -> bool:
        """True where a batch is a look-up in memory, so that loader workers would only cost time."""
        ...

    @property
    def refused(self) -> Sequence[Refusal]:
        """What was left out when these were read, and why."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know of how these were read: columns ignored, values taken as missing."""
        ...

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the samples at `indices` (int64), in that order, on the host."""
        ...

    def name(self, index: int) -> str:
        """Return what a person would call sample `index`: a file's path, a row's number."""
        ...


class Refusal(BaseModel):
    """A sample that was left out, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str
    reason: str


class DataSpec(BaseModel):
    """What was read and what was fitted on the training split: it travels with the model.

    `features` belongs to the modality (`data/images.py`, `data/tables.py`), which alone reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    source: str
    modality: str
    fingerprint: str
    sizes: dict[str, int]
    split: str
    """How the splits came about, as a sentence."""
    target: str
    classes: list[str] | None = None
    class_counts: dict[str, list[int]] | None = None
    """Samples of each class, by split."""
    target_mean: float | None = None
    target_std: float | None = None
    target_median: float | None = None
    features: dict[str, Any]
    refused: list[Refusal] = []


@dataclass(frozen=True)
class Splits:
    """The data of a training: what learns, what chooses, what judges."""

    spec: DataSpec
    train: Samples
    valid: Samples
    test: Samples | None


class Recognition(NamedTuple):
    """Why a task fits a source; of several the highest confidence (0 to 1) is taken."""

    confidence: float
    reason: str


class StepRecord(NamedTuple):
    """One optimiser step. `loss` and `grad_norm` stay on the device: read them back seldom."""

    step: int
    epoch: int
    loss: Tensor
    grad_norm: Tensor | None
    learning_rate: float
    samples: int


class EvalRecord(NamedTuple):
    """One evaluation of a split. `monitored` names the metric that decides which weights are best."""

    step: int
    epoch: int
    split: str
    metrics: dict[str, float]
    monitored: str
    best: bool
    seconds: float


class Observer(Protocol):
    """What may watch a training: it gets immutable records and cannot change anything."""

    def after_backward(self, step: int) -> None:
        """Gradients are there and have not been used yet."""
        ...

    def after_step(self, record: StepRecord) -> None:
        """The weights have been updated."""
        ...

    def after_evaluation(self, record: EvalRecord) -> None:
        """A split has been evaluated."""
        ...


class Sampling(NamedTuple):
    """How a text is written, token by token.

    temperature  0 takes the likeliest token always
    top_k        only so many of the likeliest
    top_p        only the likeliest that together have this probability (Holtzman et al. 2020, arXiv 1904.09751)
    """

    max_tokens: int = 200
    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0


@runtime_checkable
class EpochSamples(Protocol):
    """Samples that each epoch of the training sees otherwise: windows laid anew, other tokens masked."""

    def of_epoch(self, seed: int, epoch: int) -> Samples:
        """Return the samples as that epoch sees them, a pure function of seed and epoch."""
        ...


class Metric(NamedTuple):
    """A task's main metric as a mean over samples: `finish(mean(contribution))`.

    It has this form so that its bootstrap interval needs no second pass over the model.
    """

    name: str
    higher_is_better: bool
    contribution: Callable[[Tensor, Tensor], Tensor]
    """(outputs, targets) -> one number a sample, shape (B,), or several, (B, K): counts that BLEU is made from."""
    finish: Callable[[Tensor], Tensor]


Severity = Literal["info", "warning", "critical"]


class Finding(BaseModel):
    """Something that the doctor found: `code` is `family/name`, of the vocabulary in `docs/findings.md`.

    severity  `critical` means that the training will fail or that its result is not to be trusted
    where     module path, sample, file and row, or step
    evidence  what was measured, as numbers
    remedies  in the order in which they should be tried
    consequences  codes of findings that this one explains
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    where: str
    message: str
    evidence: dict[str, Any] = {}
    remedies: list[str] = []
    source: str = ""
    why: str = ""
    consequences: list[str] = []
    model: str = ""
    """Which model, where a program trains several."""


class Panel(BaseModel):
    """One figure of the report, as plain numbers; `report/` draws it and knows no task.

    kind       data
    matrix     labels: [str], values: [[int]] (rows true, columns predicted)
    scatter    x: [float], y: [float], x_label, y_label, diagonal: bool
    bars       labels: [str], values: [float], unit
    lines      x: [float], series: {name: [float]}, x_label, y_label, diagonal: bool
    gallery    items: [{png: base64, caption, detail}]
    table      columns: [str], rows: [[str | float]]
    texts      items: [{caption, detail, words: [[str, float]], rest}]
    heatmap    rows: [str], columns: [str], values: [[float]]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["matrix", "scatter", "bars", "lines", "gallery", "table", "heatmap", "texts"]
    section: Literal["data", "result", "mistakes", "doctor", "treatment"]
    title: str
    note: str = ""
    data: dict[str, Any]
