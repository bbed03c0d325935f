"""The doctor's vocabulary: every code that a finding may carry, what it says, why it matters, and what to do in order.

A code is a public contract: it stands in JSON, in reports and in tests, and is never renamed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from convergent.types import Finding, Severity


class Code(NamedTuple):
    """One entry of the vocabulary."""

    says: str
    why: str
    remedies: tuple[str, ...]
    source: str


def finding(code: str, severity: Severity, where: str, message: str, **evidence: Any) -> Finding:
    """Return a finding with the remedies, the reason and the source of its code.

    >>> finding("data/constant-feature", "info", "feature 3", "feature 3 never changes", value=0.0).remedies
    ['drop the feature']
    """
    entry = CODES[code]
    return Finding(
        code=code,
        severity=severity,
        where=where,
        message=message,
        evidence=evidence,
        remedies=list(entry.remedies),
        source=entry.source,
        why=entry.why,
    )


CODES: dict[str, Code] = {
    "data/too-few-samples": Code(
        says="too little data for a model this size",
        why="",
        remedies=(
            "transfer learning",
            "augmentation",
            "smaller model",
        ),
        source="",
    ),
    "data/inputs-not-normalized": Code(
        says="inputs are not on a common scale",
        why="",
        remedies=(
            "standardise with training statistics",
            "input batch norm",
        ),
        source="TheDeepChecker; UMLAUT; AutoTrainer",
    ),
    "data/targets-not-scaled": Code(
        says="regression target far from unit scale",
        why="",
        remedies=("standardise y, invert at prediction",),
        source="TheDeepChecker",
    ),
    "data/non-finite-values": Code(
        says="NaN or Inf in inputs or targets",
        why="",
        remedies=("impute or drop, with counts",),
        source="deepchecks",
    ),
    "data/constant-feature": Code(
        says="a feature that never changes",
        why="",
        remedies=("drop the feature",),
        source="deepchecks",
    ),
    "data/class-imbalance": Code(
        says="classes very unequal",
        why="",
        remedies=(
            "class weights or resampling",
            "balanced metric",
        ),
        source="TheDeepChecker; cleanlab",
    ),
    "data/duplicate-samples": Code(
        says="the same sample many times",
        why="",
        remedies=("drop duplicates",),
        source="deepchecks; cleanlab",
    ),
    "data/conflicting-labels": Code(
        says="equal inputs with different labels",
        why="",
        remedies=("relabel or drop",),
        source="deepchecks",
    ),
    "data/train-val-leakage": Code(
        says="validation samples are in the training set",
        why="",
        remedies=("split again by group or time",),
        source="deepchecks; Karpathy's recipe",
    ),
    "data/label-leaking-feature": Code(
        says="one feature alone predicts the label",
        why="",
        remedies=("drop the feature",),
        source="deepchecks",
    ),
    "data/label-noise": Code(
        says="part of the labels look wrong",
        why="",
        remedies=(
            "review the listed samples",
            "label smoothing",
            "prune",
        ),
        source="cleanlab",
    ),
    "data/labels-shuffled": Code(
        says="labels carry no information on the inputs",
        why="",
        remedies=("check the pairing of files and labels",),
        source="TheDeepChecker; cleanlab",
    ),
    "data/invalid-labels": Code(
        says="labels outside the loss's domain",
        why="",
        remedies=("encode again",),
        source="",
    ),
    "data/preprocessing-mismatch": Code(
        says="training and validation inputs are prepared differently",
        why="",
        remedies=("one transform for both",),
        source="TheDeepChecker",
    ),
    "data/augmentation-too-strong": Code(
        says="augmented samples leave the distribution",
        why="",
        remedies=("weaken",),
        source="TheDeepChecker",
    ),
    "data/not-shuffled": Code(
        says="batches are ordered by label or time",
        why="",
        remedies=("shuffle",),
        source="cleanlab",
    ),
    "data/worker-seeds-repeated": Code(
        says="loader workers produce the same random numbers",
        why="",
        remedies=("seed each worker",),
        source="TrainCheck",
    ),
    "setup/loss-at-init": Code(
        says="the loss at the first step is not what chance gives",
        why="",
        remedies=(
            "set the last bias to the prior",
            "scale the last layer",
            "check the loss",
        ),
        source="Karpathy's recipe",
    ),
    "setup/output-loss-mismatch": Code(
        says="the network's output is not what the loss expects",
        why="",
        remedies=(
            "hand logits to cross-entropy or BCE-with-logits",
            "linear head for regression",
            "cross-entropy for classes",
        ),
        source="UMLAUT; NeuraLint",
    ),
    "setup/output-range": Code(
        says="targets lie outside what the output can reach",
        why="",
        remedies=(
            "change the last activation",
            "scale the target",
        ),
        source="DeepDiagnosis",
    ),
    "setup/input-ignored": Code(
        says="the prediction does not depend on the input",
        why="",
        remedies=("check pairing, dead layers",),
        source="Karpathy's recipe",
    ),
    "setup/cannot-overfit-batch": Code(
        says="the model can't learn even one batch",
        why="",
        remedies=(
            "see the other findings",
            "capacity",
        ),
        source="Karpathy's recipe; TheDeepChecker",
    ),
    "setup/bad-initialization": Code(
        says="weights all equal, or their variance far from He/Glorot/LeCun",
        why="",
        remedies=("He for ReLU, Glorot for tanh/sigmoid",),
        source="TheDeepChecker; He 2015",
    ),
    "setup/parameters-not-trained": Code(
        says="parameters get no gradient, or the optimiser doesn't hold them",
        why="",
        remedies=(
            "unfreeze",
            "add to the optimiser",
        ),
        source="TrainCheck",
    ),
    "setup/samples-mix-in-batch": Code(
        says="one sample's output depends on another sample of the batch",
        why="",
        remedies=("mend the reshape or dim",),
        source="Karpathy's recipe",
    ),
    "setup/future-leak": Code(
        says="a causal model sees tokens to come",
        why="",
        remedies=("causal mask",),
        source="Karpathy's recipe",
    ),
    "setup/loss-reduction": Code(
        says="the loss sums over the batch, or broadcasts",
        why="",
        remedies=(
            "mean",
            "equal shapes",
        ),
        source="TheDeepChecker",
    ),
    "setup/missing-nonlinearity": Code(
        says="linear layers follow each other with nothing between",
        why="",
        remedies=("add an activation",),
        source="NeuraLint; UMLAUT",
    ),
    "setup/wrong-mode": Code(
        says="training in eval mode, or evaluation in train mode",
        why="",
        remedies=("model.train(), model.eval()",),
        source="TrainCheck",
    ),
    "setup/missing-zero-grad": Code(
        says="gradients pile up between steps",
        why="",
        remedies=("optimizer.zero_grad()",),
        source="TrainCheck",
    ),
    "setup/learning-rate-out-of-range": Code(
        says="the learning rate is far from what the range test allows",
        why="",
        remedies=(
            "set from the range test",
            "warm-up",
        ),
        source="Smith 2017",
    ),
    "training/non-finite": Code(
        says="loss, gradient or activation became NaN or Inf",
        why="",
        remedies=(
            "roll back",
            "lower lr",
            "clip",
            "eps",
        ),
        source="",
    ),
    "training/vanishing-gradient": Code(
        says="early layers learn far slower than late ones",
        why="",
        remedies=(
            "ReLU and He init",
            "batch or layer norm",
            "residual connections",
        ),
        source="AutoTrainer",
    ),
    "training/exploding-gradient": Code(
        says="gradients grow without bound",
        why="",
        remedies=(
            "clip",
            "lower lr",
            "norm layers",
            "init",
        ),
        source="AutoTrainer",
    ),
    "training/dying-relu": Code(
        says="units that never fire",
        why="",
        remedies=(
            "lower lr",
            "LeakyReLU/GELU",
            "batch norm",
            "init",
        ),
        source="TheDeepChecker",
    ),
    "training/saturated-activations": Code(
        says="sigmoid or tanh stuck at its ends",
        why="",
        remedies=(
            "scale inputs",
            "init",
            "norm",
            "ReLU",
        ),
        source="TheDeepChecker",
    ),
    "training/learning-rate-too-high": Code(
        says="steps too large",
        why="",
        remedies=(
            "lower lr",
            "warm-up",
            "schedule",
        ),
        source="CS231n; TheDeepChecker",
    ),
    "training/learning-rate-too-low": Code(
        says="steps too small",
        why="",
        remedies=("raise lr (range test)",),
        source="CS231n",
    ),
    "training/oscillating-loss": Code(
        says="loss or metric swings without progress",
        why="",
        remedies=(
            "lower lr",
            "larger batch",
            "schedule",
        ),
        source="AutoTrainer; TheDeepChecker",
    ),
    "training/loss-spike": Code(
        says="a jump far out of the recent spread",
        why="",
        remedies=(
            "roll back",
            "clip",
            "skip the batch",
            "warm-up",
        ),
        source="",
    ),
    "training/divergence": Code(
        says="loss grows away for good",
        why="",
        remedies=(
            "lower lr",
            "clip",
            "init",
        ),
        source="",
    ),
    "training/slow-convergence": Code(
        says="almost no progress for the budget",
        why="",
        remedies=(
            "lr range test",
            "optimiser",
            "normalisation",
        ),
        source="AutoTrainer",
    ),
    "training/constant-output": Code(
        says="the same prediction for every input",
        why="",
        remedies=(
            "lr",
            "init",
            "dead units",
        ),
        source="TheDeepChecker",
    ),
    "training/overfitting": Code(
        says="validation gets worse while training gets better",
        why="",
        remedies=(
            "early stopping",
            "augmentation",
            "dropout",
            "weight decay",
            "smaller model",
            "more data",
        ),
        source="seed literature",
    ),
    "training/underfitting": Code(
        says="even the training loss stays high",
        why="",
        remedies=(
            "capacity",
            "longer",
            "lr",
        ),
        source="",
    ),
    "training/regularization-dominates": Code(
        says="the penalty's gradient exceeds the data's",
        why="",
        remedies=("lower the penalty",),
        source="TheDeepChecker",
    ),
    "training/edge-of-stability": Code(
        says="η·λ_max > 2",
        why="",
        remedies=(
            "lower lr",
            "warm-up",
        ),
        source="Cohen 2021; Cockpit",
    ),
    "training/batch-size": Code(
        says="far from the critical batch size",
        why="",
        remedies=("change batch size, scale lr",),
        source="McCandlish 2018",
    ),
    "training/metric-loss-disagree": Code(
        says="loss improves, metric does not",
        why="",
        remedies=("check the metric",),
        source="TheDeepChecker",
    ),
    "training/replicas-differ": Code(
        says="replicas of the model have drifted apart",
        why="",
        remedies=(
            "synchronise",
            "order of wrapping",
        ),
        source="TrainCheck",
    ),
    "result/no-better-than-baseline": Code(
        says="no better than always predicting the prior",
        why="",
        remedies=("see the other findings",),
        source="",
    ),
    "result/class-collapse": Code(
        says="some classes are never predicted",
        why="",
        remedies=(
            "class weights",
            "more data",
        ),
        source="",
    ),
    "result/train-eval-gap": Code(
        says="the same data score differently in train and eval mode",
        why="",
        remedies=("batch-norm statistics, dropout",),
        source="TheDeepChecker",
    ),
    "result/too-good": Code(
        says="suspiciously perfect",
        why="",
        remedies=("look for leakage",),
        source="UMLAUT",
    ),
    "result/stopped-early": Code(
        says="the best step is in the last quarter of the budget and still improving",
        why="",
        remedies=("train longer",),
        source="Tuning Playbook",
    ),
}
