"""Which finding is the cause and which its consequence: the most severe and most upstream comes first.

The order of the table is that of a training: how network, loss and loop fit together, then the data, then the size of
the steps, then what follows in the training and in its result. A finding explains others only where it is as severe as
a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convergent.types import Finding

SEVERITIES = {"critical": 0, "warning": 1, "info": 2}

STRUCTURE = (
    "data/non-finite-values",
    "data/invalid-labels",
    "setup/loss-reduction",
    "setup/output-loss-mismatch",
    "setup/samples-mix-in-batch",
    "setup/future-leak",
    "setup/missing-zero-grad",
    "setup/wrong-mode",
    "setup/parameters-not-trained",
    "setup/output-range",
    "setup/bad-initialization",
    "setup/missing-nonlinearity",
    "training/replicas-differ",
)
DATA = (
    "data/targets-not-scaled",
    "data/inputs-not-normalized",
    "data/constant-feature",
    "data/augmentation-too-strong",
    "data/labels-shuffled",
    "data/train-val-leakage",
    "data/label-leaking-feature",
    "data/preprocessing-mismatch",
    "data/not-shuffled",
    "data/class-imbalance",
    "data/label-noise",
    "data/conflicting-labels",
    "data/worker-seeds-repeated",
    "data/duplicate-samples",
)
STEPS = (
    "training/regularization-dominates",
    "setup/loss-at-init",  # stands before the first step: no size of steps explains it
    "training/learning-rate-too-high",
    "training/learning-rate-too-low",
    "training/vanishing-gradient",
    "setup/learning-rate-out-of-range",
    "training/exploding-gradient",
    "training/saturated-activations",
    "training/dying-relu",
)
COURSE = (
    "training/non-finite",
    "training/divergence",
    "result/train-eval-gap",
    "training/metric-loss-disagree",
    "training/overfitting",
    "data/too-few-samples",
    "setup/input-ignored",
    "training/underfitting",
    "training/oscillating-loss",
    "training/loss-spike",
    "training/constant-output",
    "setup/cannot-overfit-batch",
    "training/slow-convergence",
    "result/class-collapse",
    "result/no-better-than-baseline",
    "result/too-good",
    "result/stopped-early",
    "training/edge-of-stability",
    "training/batch-size",
)
ORDER = STRUCTURE + DATA + STEPS + COURSE
PLACE = {code: place for place, code in enumerate(ORDER)}

BAD_RESULT = frozenset(COURSE) - {
    "training/overfitting",
    "data/too-few-samples",
    "result/too-good",
    "training/batch-size",
}
BAD_STEPS = frozenset(STEPS)
EXPLAINS: dict[str, frozenset[str]] = {
    **dict.fromkeys(STRUCTURE, BAD_RESULT | BAD_STEPS),
    "setup/bad-initialization": BAD_RESULT | BAD_STEPS | {"setup/missing-nonlinearity"},
    # What is left out of the forward pass gets no gradient either, so that this does not explain the other.
    "setup/parameters-not-trained": (BAD_RESULT | BAD_STEPS) - {"setup/input-ignored"},
    "data/targets-not-scaled": BAD_RESULT | BAD_STEPS,
    "data/inputs-not-normalized": BAD_RESULT | BAD_STEPS | {"setup/bad-initialization"},
    "data/labels-shuffled": BAD_RESULT
    | BAD_STEPS
    | {"training/overfitting", "data/too-few-samples", "data/label-noise", "data/conflicting-labels"},
    "data/constant-feature": BAD_RESULT
    | {"data/train-val-leakage", "data/conflicting-labels", "data/duplicate-samples", "data/label-noise"},
    "data/augmentation-too-strong": BAD_RESULT
    | {"data/labels-shuffled", "data/label-noise", "data/preprocessing-mismatch"},
    "data/train-val-leakage": frozenset({"result/too-good", "data/duplicate-samples"}),
    "data/label-leaking-feature": frozenset({"result/too-good"}),
    "data/preprocessing-mismatch": BAD_RESULT | {"training/overfitting"},
    "data/not-shuffled": BAD_RESULT | BAD_STEPS,
    "data/class-imbalance": BAD_RESULT,
    "data/label-noise": frozenset({"training/overfitting", "training/underfitting", "data/conflicting-labels"}),
    "training/regularization-dominates": BAD_RESULT | (BAD_STEPS - {"training/regularization-dominates"}),
    "setup/loss-at-init": BAD_RESULT - {"training/non-finite", "training/divergence"},
    "training/learning-rate-too-high": BAD_RESULT | (BAD_STEPS - {"training/learning-rate-too-high"}),
    "training/learning-rate-too-low": BAD_RESULT | {"setup/learning-rate-out-of-range", "training/vanishing-gradient"},
    "training/vanishing-gradient": BAD_RESULT
    | {"setup/learning-rate-out-of-range", "training/saturated-activations", "training/learning-rate-too-low"},
    "setup/learning-rate-out-of-range": BAD_RESULT | {"training/exploding-gradient", "training/dying-relu"},
    "training/exploding-gradient": BAD_RESULT,
    "training/saturated-activations": BAD_RESULT,
    "training/dying-relu": BAD_RESULT,
    "training/non-finite": BAD_RESULT - {"training/non-finite"},
    "training/divergence": BAD_RESULT - {"training/non-finite", "training/divergence"},
    "training/overfitting": frozenset({"data/too-few-samples", "result/stopped-early"}),
    "training/metric-loss-disagree": frozenset(
        {"training/overfitting", "result/no-better-than-baseline", "result/class-collapse"}
    ),
    "training/underfitting": frozenset({"training/slow-convergence", "setup/cannot-overfit-batch"}),
    "result/train-eval-gap": frozenset(
        {
            "training/overfitting",
            "training/metric-loss-disagree",
            "result/class-collapse",
            "result/no-better-than-baseline",
        }
    ),
    "training/batch-size": (BAD_RESULT | BAD_STEPS) - {"training/batch-size"},
    "setup/input-ignored": frozenset({"training/constant-output", "setup/cannot-overfit-batch"}),
    "training/constant-output": frozenset({"result/no-better-than-baseline", "result/class-collapse"}),
    "result/no-better-than-baseline": frozenset({"result/class-collapse", "result/stopped-early"}),
}


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, causes first; what they explain follows, as `info`, and then what is good to know.

    >>> from convergent.doctor.findings import finding
    >>> low = finding("result/class-collapse", "critical", "", "one class only")
    >>> rate = finding("training/learning-rate-too-high", "critical", "", "steps too large")
    >>> [(f.code, f.severity) for f in ranked([low, rate])]
    [('training/learning-rate-too-high', 'critical'), ('result/class-collapse', 'info')]
    """
    ordered = sorted(findings, key=lambda f: (SEVERITIES[f.severity], PLACE.get(f.code, len(ORDER))))
    causes: list[Finding] = []
    followers: list[Finding] = []
    explained: dict[str, list[str]] = {}
    by_cause = sorted(ordered, key=lambda f: PLACE.get(f.code, len(ORDER)))
    for one in ordered:
        cause = _cause_of(one, by_cause)
        if cause is None:
            causes.append(one)
        else:
            explained.setdefault(cause.code, []).append(one.code)
            followers.append(one.model_copy(update={"severity": "info"}))
    led = [one.model_copy(update={"consequences": explained.get(one.code, [])}) for one in causes]
    loud = [one for one in led if one.severity != "info"]
    return loud + followers + [one for one in led if one.severity == "info"]


def _cause_of(one: Finding, others: Sequence[Finding]) -> Finding | None:
    """Return the most upstream finding that explains this one and stands before it in the order, if there is one."""
    for other in others:
        loud = other.severity != "info" and SEVERITIES[other.severity] <= SEVERITIES[one.severity] + 1
        upstream = PLACE.get(other.code, 0) < PLACE.get(one.code, 0)
        if other is not one and loud and upstream and one.code in EXPLAINS.get(other.code, frozenset()):
            return other
    return None
