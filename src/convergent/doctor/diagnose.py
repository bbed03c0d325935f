"""From what a watch has seen to findings: evidence, experiments on a copy, rules, order."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convergent.doctor.experiments import attempt, run_experiments
from convergent.doctor.experiments.chance import chance_loss, floor_loss
from convergent.doctor.probe import Probe
from convergent.doctor.rank import PLACE, SEVERITIES, ranked
from convergent.doctor.record import Evidence
from convergent.doctor.rules import ADVERSARIAL_RULES, CLIMBING_RULES, LOOSE_RULES, RULES
from convergent.doctor.statistics import climbs, median, usual_rate
from convergent.doctor.steps import first_tensor
from convergent.doctor.subject import Subject, size_of_batch
from convergent.doctor.tape import replay
from convergent.doctor.watch import Watch
from convergent.types import Finding

SECONDS = 5.0
"""Of this thread on a processor: what is tried, and so what is found, does not depend on what else the machine does."""


def diagnose(watch: Watch, seconds: float = SECONDS) -> list[Finding]:
    """Return the findings on every model that a watch has seen train, causes first; nothing here raises.

    seconds  of processor time that the experiments may take, all models together
    """
    trained = [probe for probe in watch.probes if probe.step or probe.backwards or probe.forwarded]
    findings: list[Finding] = []
    several = len(trained) > 1
    for probe in trained:
        try:
            evidence = examine(probe, watch, seconds / max(1, len(trained)))
        except Exception as error:
            warnings.warn(
                f"the doctor could not look at {probe.evidence.name}: {error!r}", RuntimeWarning, stacklevel=2
            )
            continue
        if evidence.data.train is not None:
            evidence.data.train = evidence.data.train.in_single_precision()
        mine = judge(evidence)
        if any(joint(probe, other) for other in trained[: trained.index(probe)]):
            said = {one.code for one in findings}  # parts of one network have their loss and their rate in common
            mine = [one for one in mine if one.code not in said]
        findings += [f.model_copy(update={"model": evidence.name}) for f in mine] if several else mine
    if not watch.probes and watch.loose.step:
        findings = judge(watch.loose.finish(), LOOSE_RULES)
    return sorted(findings, key=lambda one: (SEVERITIES[one.severity], _place(one)))


def _place(one: Finding) -> int:
    """Return the place of a finding among those of all models; what is only good to know stays where it is."""
    return PLACE.get(one.code, len(PLACE)) if one.severity != "info" else 0


Rule = Callable[[Evidence], Finding | None]


def judge(evidence: Evidence, rules: Sequence[Rule] | None = None) -> list[Finding]:
    """Return what the rules find in the evidence, in order; a rule that fails is warned of and left out."""
    findings = []
    if rules is None:
        rules = ADVERSARIAL_RULES if evidence.adversarial else CLIMBING_RULES if climbs(evidence) else RULES
    for rule in rules:
        try:
            found = rule(evidence)
        except Exception as error:
            warnings.warn(f"the doctor's rule {rule.__name__} failed: {error!r}", RuntimeWarning, stacklevel=2)
            continue
        if found is not None:
            findings.append(found)
    return ranked(findings)


def examine(probe: Probe, watch: Watch, seconds: float) -> Evidence:
    """Return the evidence of one probe, with the experiments on a copy of its model."""
    evidence = probe.finish()
    evidence.adversarial = len([p for p in watch.probes if p.step]) > 1 and interleaved(watch)
    evidence.experiments.initial_loss = evidence.losses[0] if evidence.losses else None
    if any(joint(probe, other) for other in watch.probes if other is not probe):
        # What is tried on a copy of one part would be tried with the others as they were at many steps.
        evidence.experiments.chance_loss = attempt(lambda: chance_loss(evidence))
        evidence.experiments.floor_loss = attempt(lambda: floor_loss(evidence)) or 0.0
        return evidence
    if evidence.adversarial or not probe.ring.batches or probe.tape is None or not probe.optimizers:
        return evidence
    subject = make_subject(probe)
    if subject is not None:
        run_experiments(subject, time.thread_time() + seconds, evidence)
    return evidence


def interleaved(watch: Watch) -> bool:
    """Return whether several models took their steps in turn, as the two of a GAN do."""
    stepped = [probe for probe in watch.probes if probe.step]
    pairs = [(a, b) for a in stepped for b in stepped if a is not b and not joint(a, b)]
    return any(a.first_step_at < b.last_step_at and b.first_step_at < a.last_step_at for a, b in pairs)


def joint(one: Probe, other: Probe) -> bool:
    """Return whether two models are parts of one network: they make their steps after the same backward passes."""
    return bool(one.step and other.step) and one.stepped_after == other.stepped_after


def make_subject(probe: Probe) -> Subject | None:
    """Return what the experiments need: a copy of the model, its optimiser anew, its loss and batches."""
    try:
        model = copy.deepcopy(probe.model)
    except Exception:  # a model that can't be copied is examined from what was seen alone
        return None
    tape = probe.tape
    assert tape is not None

    def loss(output: Any, outside: Any) -> Tensor:
        return replay(tape, model, output, outside) / probe.evidence.loss_scale

    args, kwargs, _ = probe.ring.batches[0]
    return Subject(
        model=model,
        initial_state=probe.initial_state,
        final_state=probe.model.state_dict(),
        loss=loss,
        train_batches=[
            (args, kwargs, outside[0] if len(outside) == 1 else tuple(outside))
            for args, kwargs, outside in probe.ring.batches
        ],
        make_optimizer=optimizer_maker(probe),
        batch_size=size_of_batch(first_tensor(args, kwargs), probe.evidence.batch_size or 1),
        accumulates=_passes_a_step(probe),
    )


def _passes_a_step(probe: Probe) -> int:
    """Return how many backward passes a step sums up; an optimiser with a closure makes as many as it likes."""
    closures = any(isinstance(one, torch.optim.LBFGS) for one in probe.optimizers)
    return 1 if closures else int(max(1.0, median([sample.backwards for sample in probe.evidence.samples] or [1])))


def usual_rates(probe: Probe) -> list[float]:
    """Return the learning rate of each group as it usually was: at the end of a schedule it may be near zero."""
    groups = probe.optimizers[0].param_groups
    usual, now = usual_rate(probe.evidence), [float(group["lr"]) for group in groups]
    if not usual or len(probe.optimizers) > 1:
        return now
    first = [float(group.get("initial_lr", rate)) for group, rate in zip(groups, now, strict=True)]
    shares = now if max(now) > 0 else first
    return [usual * share / max(shares) if max(shares) > 0 else usual for share in shares]


def optimizer_maker(probe: Probe) -> Callable[[nn.Module, float], torch.optim.Optimizer]:
    """Return a function (model, rate factor) -> the user's optimiser for a copy of the model, without its state."""
    names = {id(parameter): name for name, parameter in probe.model.named_parameters()}
    optimizer = probe.optimizers[0]
    groups = [
        (
            [names[id(p)] for p in group["params"] if id(p) in names],
            {key: value for key, value in group.items() if key not in ("params", "initial_lr")} | {"lr": rate},
        )
        for group, rate in zip(optimizer.param_groups, usual_rates(probe), strict=True)
    ]

    def make(model: nn.Module, rate_factor: float = 1.0) -> torch.optim.Optimizer:
        parameters = dict(model.named_parameters())
        made: list[dict[str, Any]] = [
            {**options, "params": [parameters[name] for name in mine], "lr": options["lr"] * rate_factor}
            for mine, options in groups
            if mine
        ]
        allowed = optimizer.defaults.keys()
        return type(optimizer)([{k: v for k, v in g.items() if k == "params" or k in allowed} for g in made], **{})

    return make
