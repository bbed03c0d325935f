"""Does the output fit the loss, and the loss the targets? (UMLAUT, NeuraLint, DeepDiagnosis, TheDeepChecker)"""

from __future__ import annotations

import math

from torch import Tensor

from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence, LossCall
from convergent.doctor.statistics import course, failed, learned_well, usual_rate
from convergent.types import Finding, Severity

SQUEEZED = ("softmax", "sigmoid", "tanh", "relu", "hardsigmoid", "hardtanh")
REACH = {
    "sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf),
    "LSTM": (-1.0, 1.0), "GRU": (-1.0, 1.0),
}  # fmt: skip
REGRESSION = ("mse", "l1", "smooth_l1")
POSITIVE = ("exp", "softplus", "relu", "sigmoid", "softmax")
MOST_CLASSES = 20
SMALL_PART = 1 / 12
"""Of a loss: parts of a sum, and weights of several losses, are larger as a rule."""
ROUNDING = 1e-3
"""So far a logarithm of a probability may lie above zero, in half precision."""


def output_loss_mismatch(evidence: Evidence) -> Finding | None:
    """Say where the network's output is not what its loss expects."""
    call = evidence.data.loss
    if call is None:
        return None
    for check in (
        _squeezed_logits,
        _not_log_probabilities,
        _positive_logarithms,
        _rate_of_counts,
        _one_unit,
        _classes_by_regression,
    ):
        found = check(evidence, call)
        if found is not None:
            return found
    return None


def _squeezed_logits(evidence: Evidence, call: LossCall) -> Finding | None:
    transform = evidence.experiments.output_transform
    if call.kind not in ("cross_entropy", "bce_with_logits") or call.label_smoothing == 1.0:
        return None
    tried = evidence.experiments
    if not transform and call.kind == "cross_entropy" and tried.output_sums_to_one and (tried.output_min or 0) >= 0:
        transform = "softmax"
    if transform not in SQUEEZED or (transform == "relu" and learned_well(evidence)):
        return None
    grave = transform in ("softmax", "sigmoid")
    does = "softmax" if call.kind == "cross_entropy" else "sigmoid"
    return finding(
        "setup/output-loss-mismatch",
        "critical" if grave else "warning",
        "output",
        f"{call.name or call.kind} expects logits and applies {does} itself, but the output has been through "
        f"{transform} already, which flattens the gradient",
        transform=transform,
        loss=call.kind,
        output_min=tried.output_min,
        output_max=tried.output_max,
    )


def _not_log_probabilities(evidence: Evidence, call: LossCall) -> Finding | None:
    tried = evidence.experiments
    if call.of_probabilities and tried.output_transform not in ("softmax", "sigmoid"):
        return finding(
            "setup/output-loss-mismatch",
            "critical",
            "output",
            f"{call.name} expects probabilities, but the output ends in {tried.output_transform or 'no activation'}: "
            "give it from_logits=True",
            transform=tried.output_transform,
            loss=call.name,
        )
    takes = call.kind == "nll" or call.name == "ctc_loss"
    if not takes or tried.output_log_sum is None or abs(tried.output_log_sum) < 0.05:
        return None
    return finding(
        "setup/output-loss-mismatch",
        "critical",
        "output",
        f"{call.name or 'nll_loss'} expects log-probabilities, but the outputs' exponentials sum to "
        f"{math.exp(min(50.0, tried.output_log_sum)):.3g} "
        f"instead of 1 ({tried.output_transform or 'no log_softmax'} in front of it)",
        transform=tried.output_transform,
        log_sum=tried.output_log_sum,
    )


def _positive_logarithms(evidence: Evidence, call: LossCall) -> Finding | None:
    """Say where a divergence gets what can't be the logarithm of a probability: numbers above zero."""
    tried = evidence.experiments
    if call.name != "kl_div" or tried.output_max is None or tried.output_max <= ROUNDING:
        return None
    return finding(
        "setup/output-loss-mismatch",
        # The logarithm of a density may lie above zero; what is no logarithm at all ends in softmax, or in nothing.
        "critical" if tried.output_transform in ("softmax", "") else "warning",
        "output",
        f"kl_div expects log-probabilities, which are never above 0, but the output reaches {tried.output_max:.3g} "
        f"({tried.output_transform or 'no log_softmax'} in front of it)",
        transform=tried.output_transform,
        output_min=tried.output_min,
        output_max=tried.output_max,
    )


def _rate_of_counts(evidence: Evidence, call: LossCall) -> Finding | None:
    """Say where a Poisson loss takes a rate for its logarithm, or the other way round."""
    tried = evidence.experiments
    if call.name != "poisson_nll_loss" or tried.output_min is None:
        return None
    rate = tried.output_transform in POSITIVE and tried.output_min >= 0
    wrong = rate if call.log_input else tried.output_min < 0
    # What only can't be negative may be meant as the logarithm of rates above one; an exponential is a rate.
    grave = tried.output_transform == "exp" or not call.log_input
    if not wrong or (not grave and learned_well(evidence)):
        return None
    says = "the logarithm of the rate" if call.log_input else "the rate itself"
    gets = f"is a rate (through {tried.output_transform})" if rate else f"falls to {tried.output_min:.3g}"
    return finding(
        "setup/output-loss-mismatch",
        "critical" if grave else "warning",
        "output",
        f"poisson_nll_loss with log_input={call.log_input} expects {says}, but the output {gets}",
        transform=tried.output_transform,
        log_input=call.log_input,
        output_min=tried.output_min,
    )


def _one_unit(evidence: Evidence, call: LossCall) -> Finding | None:
    tried = evidence.experiments
    width = call.output_shape[1] if len(call.output_shape) > 1 else None
    soft = tried.output_transform in ("softmax", "log_softmax")
    always = {"softmax": 1.0, "log_softmax": 0.0}.get(tried.output_transform)
    stuck = soft and tried.output_min == tried.output_max == always  # the single unit's dimension is gone by then
    if not stuck and (width != 1 or not (soft or call.kind in ("cross_entropy", "nll"))):
        return None
    return finding(
        "setup/output-loss-mismatch",
        "critical",
        "output",
        "softmax over a single output is always 1: the prediction can't change and no gradient comes back",
        outputs=1,
        loss=call.kind,
    )


def _classes_by_regression(evidence: Evidence, call: LossCall) -> Finding | None:
    data = evidence.data.train
    if call.kind not in REGRESSION or data is None or data.targets is None or len(data.targets) < 30:
        return None
    if evidence.adversarial or call.target_shape[1:] == tuple(data.inputs.shape[1:]):
        return None
    classes = _class_like(data.targets, call)
    if not classes:
        return None
    return finding(
        "setup/output-loss-mismatch",
        "info" if learned_well(evidence) else "warning",
        "loss",
        f"the targets are {classes} classes, but {call.name or call.kind} measures a distance between numbers: "
        "cross-entropy is the loss for classes",
        classes=classes,
        loss=call.kind,
    )


def _class_like(targets: Tensor, call: LossCall) -> int:
    """Return how many classes the targets look like: one-hot rows or a few whole numbers; 0 for quantities."""
    rows = targets.float().reshape(len(targets), -1)
    if rows.shape[1] > 1:
        one_hot = bool(((rows == 0) | (rows == 1)).all()) and bool((rows.sum(1) == 1).all())
        return rows.shape[1] if one_hot else 0
    values = rows.unique()
    if not bool(values.isfinite().all()):
        return 0
    whole = bool((values == values.round()).all()) and float(values.min()) in (0.0, 1.0)
    dense = len(values) == int(values.max() - values.min()) + 1
    return len(values) if whole and dense and 2 <= len(values) <= MOST_CLASSES else 0


def output_range(evidence: Evidence) -> Finding | None:
    """Say where targets lie outside what the last activation can reach."""
    call, data = evidence.data.loss, evidence.data.train or evidence.data.valid  # a part has no inputs of its own
    transform = evidence.experiments.output_transform or _bounded_state(evidence)
    if call is None or call.kind not in REGRESSION or transform not in REACH or data is None or data.targets is None:
        return None
    low, high = REACH[transform]
    targets = data.targets.float()
    slack = 0.02 * float(targets.std(unbiased=False))
    outside = float(((targets < low - slack) | (targets > high + slack)).float().mean())
    if outside < 0.05:
        return None
    return finding(
        "setup/output-range",
        "critical",
        "output",
        f"the output ends in {transform} and reaches {low:g} to {high:g}, but {outside:.0%} of the targets lie outside "
        f"({float(targets.min()):.3g} to {float(targets.max()):.3g})",
        transform=transform,
        outside=outside,
        target_min=float(targets.min()),
        target_max=float(targets.max()),
    )


def _bounded_state(evidence: Evidence) -> str:
    """Return the kind of the recurrent layer whose state is the output: a gate times a tanh."""
    last, tried = next((one for one in evidence.layers if one.is_last), None), evidence.experiments
    within = tried.output_min is not None and tried.output_max is not None
    if last is None or last.kind not in REACH or not within:
        return ""
    assert tried.output_min is not None and tried.output_max is not None
    return last.kind if tried.output_min >= -1 and tried.output_max <= 1 else ""


def loss_reduction(evidence: Evidence) -> Finding | None:
    """Say where output and target broadcast against each other, or a sum over the batch does harm."""
    call = evidence.data.loss
    if evidence.data.crossed and not (call is not None and _broadcasts(call)):
        return finding(
            "setup/loss-reduction",
            "critical",
            "loss",
            f"on the way to the loss {evidence.data.crossed} meet: each sample's number is combined with that of every "
            "sample of the batch, and what belongs to one is averaged away",
            shapes=evidence.data.crossed,
        )
    if call is None:
        return None
    if call.kind in (*REGRESSION, "bce_with_logits", "bce") and _broadcasts(call):
        return finding(
            "setup/loss-reduction",
            "critical",
            "loss",
            f"output {call.output_shape} and target {call.target_shape} have different shapes: every output is "
            "compared "
            "with every target of the batch",
            output_shape=list(call.output_shape),
            target_shape=list(call.target_shape),
        )
    shrunk = _scaled_down(evidence, call)
    if shrunk is not None:
        return shrunk
    ratio = evidence.experiments.doubled_batch_ratio
    if ratio is None or not 1.8 < ratio < 2.2 or not failed(evidence):
        return None
    if not _unstable(evidence) and not (not evidence.adaptive and _smaller_steps_learn(evidence)):
        return None
    return finding(
        "setup/loss-reduction",
        "warning",
        "loss",
        f"the loss sums over the batch (a doubled batch gives {ratio:.2f} times the loss), so the step grows with "
        "the batch",
        doubled_batch_ratio=ratio,
    )


def _broadcasts(call: LossCall) -> bool:
    output, target = call.output_shape, call.target_shape
    if output == target or not output or not target:
        return False
    return (
        (math.prod(output) > 1 and math.prod(target) > 1 and sorted(output) != sorted(target))
        or (len(output) == len(target) and output != target)
        or {output[1:], target[1:]} == {(1,), ()}
    )


def _scaled_down(evidence: Evidence, call: LossCall) -> Finding | None:
    """Say where a single backward pass a step begins from a small part of the loss, and the step follows its size."""
    scale = evidence.loss_scale
    passes = max((sample.backwards for sample in evidence.samples), default=1)
    if evidence.adaptive or passes > 1 or not 0 < scale < SMALL_PART or learned_well(evidence):
        return None
    rate = usual_rate(evidence)
    return finding(
        "setup/loss-reduction",
        "critical" if failed(evidence) else "warning",
        "loss",
        f"the backward pass begins from {scale:.3g} times the mean of {call.name or call.kind}, once a step: with "
        f"{evidence.optimizer} the learning rate of {rate:.3g} acts as one of {scale * rate:.2g}",
        scale=scale,
        learning_rate=rate,
        acts_as=scale * rate,
    )


def _unstable(evidence: Evidence) -> bool:
    seen = course(evidence)
    return seen is not None and (not math.isfinite(seen.end) or seen.end > 1.5 * seen.best)


def _smaller_steps_learn(evidence: Evidence) -> bool:
    """Return whether the same steps at a tenth or a hundredth of the rate, as a mean would make them, learn."""
    tried, rate = evidence.experiments, usual_rate(evidence)
    lower = [loss for other, loss in tried.range_test if 1e-3 * rate < other < 0.5 * rate and math.isfinite(loss)]
    same = tried.same_rate_loss
    return bool(lower) and same is not None and (not math.isfinite(same) or min(lower) < 0.8 * same)


def loss_at_init(evidence: Evidence) -> Finding | None:
    """Say where the first loss is far above that of a constant prediction (Karpathy 2019)."""
    tried, call = evidence.experiments, evidence.data.loss
    if tried.initial_loss is None or call is None or call.reduction == "sum" or call.by_hand:
        return None
    usual = tried.chance_loss or 0.0
    if call.kind in ("cross_entropy", "nll") and evidence.data.num_classes:
        usual = max(usual, math.log(evidence.data.num_classes))
    elif call.kind in ("bce", "bce_with_logits"):
        usual = max(usual, math.log(2))
    excess = tried.initial_loss / usual - 1 if usual > 0 else 0.0
    if not excess > 1 or evidence.pretrained or (learned_well(evidence) and excess < 3):
        return None
    severity: Severity = "critical" if excess > 3 and failed(evidence) else "warning"
    return finding(
        "setup/loss-at-init",
        "info" if learned_well(evidence) else severity,
        "step 1",
        f"the first loss is {tried.initial_loss:.3g} where a prediction that knows nothing has {usual:.3g}",
        initial_loss=tried.initial_loss,
        chance_loss=usual,
    )


RULES = (output_loss_mismatch, output_range, loss_reduction, loss_at_init)
