"""Remedies on the network: activations, initialisation, norms, residual connections, its output, what is trained."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.data.order import derived_seed
from convergent.treat.patient import Operation, Patient
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.reshaped import gate_recurrences, group_norms, insert_residuals, widen
from convergent.treat.rewritten import BOUNDED, RECTIFIERS
from convergent.treat.surgery import (
    calm_last_layer,
    exchange_activations,
    insert_activations,
    insert_norms,
    register_lists,
    set_dropout,
    start_anew,
    strip_output,
    unfreeze,
)
from convergent.treat.yardstick import class_ids


def _seed(case: Case) -> int:
    return derived_seed(case.patient.config.seed, "treatment")


def rectified(case: Case) -> Patient | None:
    """Exchange hidden sigmoids and tanhs for ReLU, and start with He initialisation."""
    if case.patient.tasks is not None:
        if case.patient.config.activation not in ("sigmoid", "tanh"):
            return None
        return case.patient.with_options(activation="relu").noted("relu", "activation relu", (), activation="relu")

    def operation(model: nn.Module) -> nn.Module | None:
        changed = exchange_activations(model, case.seen, BOUNDED, "relu")
        return None if changed is None else start_anew(changed, case.of_model(changed), _seed(case))

    line = "nn.ReLU() in place of the hidden activations; nn.init.kaiming_normal_(layer.weight) for each layer"
    treated = case.patient.operated(operation)
    return treated and treated.noted("relu", "hidden sigmoid and tanh exchanged for ReLU, He initialisation", (line,))


def leaky(case: Case) -> Patient | None:
    """Exchange ReLU for LeakyReLU, and start with He initialisation."""
    if case.patient.tasks is not None:
        if case.patient.config.activation != "relu":
            return None
        return case.patient.with_options(activation="leaky_relu").noted(
            "leaky-relu", "activation leaky_relu", (), activation="leaky_relu"
        )

    def operation(model: nn.Module) -> nn.Module | None:
        changed = exchange_activations(model, case.seen, RECTIFIERS, "leaky_relu")
        return None if changed is None else start_anew(changed, case.of_model(changed), _seed(case))

    treated = case.patient.operated(operation)
    return treated and treated.noted("leaky-relu", "ReLU exchanged for LeakyReLU", ("nn.LeakyReLU()",))


def initialised(case: Case) -> Patient | None:
    """Start from weights that fit the activation: He for rectifiers, Glorot for sigmoid and tanh."""
    if case.patient.tasks is not None or not case.seen.layers:
        return None
    treated = case.patient.operated(lambda model: start_anew(model, case.seen, _seed(case)))
    line = "nn.init.kaiming_normal_(layer.weight); nn.init.zeros_(layer.bias)"
    return treated and treated.noted("initialise", "weights drawn anew, as fits the activation", (line,))


def normalised_layers(case: Case) -> Patient | None:
    """Put a norm after each hidden layer."""
    if case.patient.tasks is not None:
        return None
    treated = case.patient.operated(lambda model: insert_norms(model, case.seen))
    lines = ("nn.LayerNorm(width) after each hidden nn.Linear, nn.BatchNorm2d(channels) after each convolution",)
    return treated and treated.noted("norm-layers", "norm layers after the hidden layers", lines)


def normalised_and_rectified(case: Case) -> Patient | None:
    """Put norms in, and exchange hidden sigmoids and tanhs for ReLU."""
    first = rectified(case)
    return first and normalised_layers(case.of(first))


def residual(case: Case) -> Patient | None:
    """Put x + f(x) around the layers that keep their width."""
    if case.patient.tasks is not None:
        return None
    treated = case.patient.operated(insert_residuals)
    return treated and treated.noted("residual", "residual connections around layers of equal width", ("x = x + f(x)",))


def activations_between(case: Case) -> Patient | None:
    """Put an activation between linear layers that follow each other directly."""
    pairs = case.finding.evidence.get("pairs") or case.finding.evidence.get("layers") or []
    first = [pair[0] if isinstance(pair, list | tuple) else str(pair) for pair in pairs]
    if case.patient.tasks is not None or not first:
        return None
    treated = case.patient.operated(lambda model: insert_activations(model, first))
    return treated and treated.noted("activations", "ReLU between linear layers", ("nn.ReLU() between the layers",))


def trainable_all(case: Case) -> Patient | None:
    """Unfreeze what was left frozen at its random start, and make known what lies in plain lists.

    What was frozen on purpose, a trained backbone, stays so: the finding names the layers. The output layer is unfrozen
    with them, however it was drawn: what a trained one has learned means nothing behind a random layer.
    """
    reasons = case.finding.evidence.get("layers") or {}
    frozen = [name for name, reason in reasons.items() if "frozen" in reason]
    frozen += [name for name in case.seen.layers[-1:] if frozen and name not in frozen]

    def operation(model: nn.Module) -> nn.Module | None:
        lists = register_lists(model)
        thawed = unfreeze(model, frozen)
        return lists or thawed

    treated = case.patient.operated(operation)
    if treated is None:
        return None
    if treated.own is not None and frozen:  # what was frozen, the optimiser may never have been given
        missing = [n for n in treated.own.missing(treated.model) if n.rpartition(".")[0] in frozen]
        treated = treated.with_own(treated.own.renamed({n: n for g in treated.own.groups for n in g.names}, missing))
    lines = ("self.layers = nn.ModuleList(layers)", "parameter.requires_grad_(True)")
    return treated.noted("unfreeze", "parameters left frozen or unregistered are trained", lines)


def calm_start(case: Case) -> Patient | None:
    """Begin at what chance gives: the last layer's bias from the training targets."""
    if case.patient.tasks is not None:
        return None
    bias = prior_bias(case.sample[1])
    treated = case.patient.operated(lambda model: calm_last_layer(model, case.seen, bias))
    line = "model.head.bias.data.copy_(class_frequencies.log())"
    return treated and treated.noted("head-bias", "the last bias from the training targets", (line,))


def prior_bias(targets: Tensor) -> Tensor | None:
    """Return the outputs of the best constant prediction: log frequencies of classes, log odds, or the mean.

    >>> prior_bias(torch.tensor([0, 0, 0, 1])).exp().tolist()
    [0.75, 0.25]
    """
    if not targets.is_floating_point() and targets.ndim == 1:
        counts = torch.bincount(targets.long()).float()
        return (counts.clamp(min=0.5) / counts.sum()).log()
    if targets.ndim == 2 and targets.shape[1] > 1 and bool((targets.sum(1) == 1).all()):
        return F.one_hot(class_ids(targets)).float().mean(0).clamp(min=1e-3).log()
    values = targets.float().reshape(len(targets), -1)
    if bool(((values == 0) | (values == 1)).all()):
        return torch.logit(values.mean(0), eps=1e-3)
    return values.mean(0)


def dropout(share: float) -> Remedy:
    """Return the remedy that sets the share of units that are switched off."""

    def change(case: Case) -> Patient | None:
        if case.patient.tasks is not None:
            if case.patient.config.dropout is None or case.patient.config.dropout == share:
                return None
            return case.patient.with_options(dropout=share).noted("dropout", f"dropout {share:g}", (), dropout=share)
        treated = case.patient.operated(lambda model: set_dropout(model, share, case.seen))
        return treated and treated.noted("dropout", f"dropout {share:g}", (f"nn.Dropout({share:g})",))

    return Remedy(f"dropout-{share:g}", change)


def bare_output(case: Case) -> Patient | None:
    """Take away the activation that ends the network: the loss, or the target's range, has no use for it."""
    ends = case.seen.ends_in
    if case.patient.tasks is not None or not ends:
        return None
    treated = case.patient.operated(lambda model: strip_output(model, case.seen))
    return treated and treated.noted("bare-output", f"the final {ends} taken away", (f"leave out the last {ends}",))


def gated(case: Case) -> Patient | None:
    """Exchange plain recurrent layers for gated ones, which carry gradients through many steps."""
    treated = None if case.patient.tasks is not None else case.patient.operated(seeded(case, gate_recurrences))
    return treated and treated.noted("gates", "nn.RNN exchanged for nn.GRU", ("nn.GRU(...) in place of nn.RNN(...)",))


def without_batch_statistics(case: Case) -> Patient | None:
    """Exchange batch norms for group norms: small or unlike batches have poor statistics."""
    treated = None if case.patient.tasks is not None else case.patient.operated(group_norms)
    return treated and treated.noted(
        "group-norm", "batch norms exchanged for group norms", ("nn.GroupNorm(8, channels)",)
    )


def wider(case: Case) -> Patient | None:
    """Give a plain stack of linear layers, or a network of ours, more units."""
    patient = case.patient
    if patient.tasks is not None:
        if patient.config.width is None:
            return None
        width = 4 * patient.config.width
        return patient.with_options(width=width).noted("wider", f"width {width}", (), width=width)
    treated = patient.operated(seeded(case, widen))
    return treated and treated.noted("wider", "hidden layers with more units", ("nn.Linear(..., 64 or more)",))


def seeded(case: Case, operation: Operation) -> Operation:
    """Return the operation with draws of its own: no generator of the program is touched."""

    def run(model: nn.Module) -> nn.Module | None:
        with torch.random.fork_rng():
            torch.manual_seed(_seed(case))
            return operation(model)

    return run


GATED = Remedy("gates", gated)
GROUP_NORM = Remedy("group-norm", without_batch_statistics)
WIDER = Remedy("wider", wider)
RECTIFIED = Remedy("relu", rectified)
LEAKY = Remedy("leaky-relu", leaky)
INITIALISED = Remedy("initialise", initialised)
NORMALISED_LAYERS = Remedy("norm-layers", normalised_layers)
NORMALISED_RECTIFIED = Remedy("norm-layers-relu", normalised_and_rectified)
RESIDUAL = Remedy("residual", residual)
ACTIVATIONS_BETWEEN = Remedy("activations", activations_between)
TRAINABLE_ALL = Remedy("unfreeze", trainable_all)
CALM_START = Remedy("head-bias", calm_start)
BARE_OUTPUT = Remedy("bare-output", bare_output)
