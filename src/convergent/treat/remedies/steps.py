"""Remedies of the size and the course of the steps: learning rate, optimiser, clipping, schedule, momentum, decay.

Learning rates: Smith 2017, https://arxiv.org/abs/1506.01186. Clipping: Pascanu et al. 2013,
https://arxiv.org/abs/1211.5063. AdamW: Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101.
"""

from __future__ import annotations

import math

import torch

from convergent.optim import decays, trainable
from convergent.treat.own_optimizer import Group, OwnOptimizer
from convergent.treat.patient import Patient
from convergent.treat.remedies.remedy import Case, Remedy

ADAM_RATES = (3e-3, 1e-3)
USUAL_UPDATE = 3e-3
USUAL_MOMENTUM = 0.9
CLIP = 1.0


def fitted_rate(case: Case) -> Patient | None:
    """Bring the learning rate to where a step changes the weights by about 0.3 % of their norm, by a power of ten.

    The finding says by how much it does now; a change of about 0.1 % is what CS231n advises, and short trainings want
    more.
    """
    ratio = case.finding.evidence.get("update_ratio")
    if not isinstance(ratio, float) or not 0 < ratio < math.inf:
        return None
    factor = 10.0 ** round(math.log10(USUAL_UPDATE / ratio))
    return scaled_rate(factor).change(case) if factor != 1 else None


def scaled_rate(factor: float) -> Remedy:
    """Return the remedy that multiplies the learning rate."""

    def change(case: Case) -> Patient | None:
        patient = case.patient
        if patient.own is not None:
            rate = patient.own.learning_rate * factor
            treated = patient.with_own(patient.own.scaled(factor))
        elif isinstance(patient.config.learning_rate, float):
            rate = patient.config.learning_rate * factor
            treated = patient.with_options(learning_rate=rate)
        else:
            return None
        detail = f"learning rate {rate:.3g}, {factor:g} times what it was"
        return treated.noted("learning-rate", detail, (f"lr={rate:.3g}",), learning_rate=rate)

    return Remedy(f"learning-rate-x{factor:g}", change)


def adamw(rate: float) -> Remedy:
    """Return the remedy that trains with AdamW at a learning rate that suits most networks, decayed at the end."""

    def change(case: Case) -> Patient | None:
        patient = case.patient
        if patient.tasks is not None:
            return None
        named = trainable(patient.model)
        groups = [
            Group(tuple(n for n, p in named.items() if decays(n, p) == has), {"lr": rate, "weight_decay": decay})
            for has, decay in ((True, 0.01), (False, 0.0))
        ]
        own = OwnOptimizer(torch.optim.AdamW, tuple(group for group in groups if group.names))
        treated = patient.with_options(schedule="cosine", warmup=0.05).with_own(own)
        line = f"optimizer = torch.optim.AdamW(model.parameters(), lr={rate:g})"
        schedule = "scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=..., total_steps=steps)"
        schedule = schedule.replace("...", f"{rate:g}")
        detail = f"AdamW at {rate:g} with warm-up and cosine decay"
        return treated.noted("adamw", detail, (line, schedule), optimizer="adamw", learning_rate=rate)

    return Remedy(f"adamw-{rate:g}", change)


def clipped(case: Case) -> Patient | None:
    """Bound the norm of the gradient."""
    if case.patient.config.clip_norm is not None and case.patient.config.clip_norm <= CLIP:
        return None
    line = "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # before optimizer.step()"
    return case.patient.with_options(clip_norm=CLIP).noted(
        "clip", f"gradient norm clipped at {CLIP:g}", (line,), clip_norm=CLIP
    )


def warmed_up(case: Case) -> Patient | None:
    """Let the learning rate rise over the first tenth, and fall to zero over the rest."""
    if (case.patient.config.warmup or 0) >= 0.1:
        return None
    line = "scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps, pct_start=0.1)"
    return case.patient.with_options(schedule="cosine", warmup=0.1).noted(
        "warm-up", "warm-up over a tenth of the steps, then cosine decay", (line,), schedule="cosine", warmup=0.1
    )


def usual_momentum(case: Case) -> Patient | None:
    """Bring momentum back to 0.9."""
    own = case.patient.own
    if own is None:
        if (case.patient.config.momentum or 0) <= USUAL_MOMENTUM:
            return None
        return case.patient.with_options(momentum=USUAL_MOMENTUM).noted(
            "momentum", "momentum 0.9", momentum=USUAL_MOMENTUM
        )
    high = any(float(group.options.get("momentum", 0.0)) > USUAL_MOMENTUM for group in own.groups)
    betas = [group.options.get("betas", (0.9, 0.999)) for group in own.groups]
    odd = any(first > 0.95 or second < first for first, second in betas)
    if not (high or odd):
        return None
    treated = case.patient.with_own(own.changed(momentum=USUAL_MOMENTUM, betas=(0.9, 0.999)))
    return treated.noted("momentum", "momentum 0.9, betas (0.9, 0.999)", ("momentum=0.9",), momentum=USUAL_MOMENTUM)


def decay(value: float) -> Remedy:
    """Return the remedy that sets the weight decay."""

    def change(case: Case) -> Patient | None:
        patient = case.patient
        if patient.own is None:
            if patient.config.weight_decay == value:
                return None
            treated = patient.with_options(weight_decay=value, **({"l1": 0.0, "l2": 0.0} if value == 0 else {}))
        else:
            had = [group.options.get("weight_decay") for group in patient.own.groups]
            if all(one is None or one == value for one in had):
                return None
            treated = patient.with_own(patient.own.changed(weight_decay=value))
        return treated.noted(
            "weight-decay", f"weight decay {value:g}", (f"weight_decay={value:g}",), weight_decay=value
        )

    return Remedy(f"weight-decay-{value:g}", change)


def registered(case: Case) -> Patient | None:
    """Hand the optimiser the parameters that it lacks."""
    own = case.patient.own
    missing = own.missing(case.patient.model) if own is not None else []
    if own is None or not missing:
        return None
    first = own.groups[0]
    groups = (Group((*first.names, *missing), first.options), *own.groups[1:])
    line = "optimizer = ...(model.parameters(), ...)  # after the last change of the model"
    return case.patient.with_own(OwnOptimizer(own.kind, groups)).noted(
        "register-parameters", f"{len(missing)} parameters handed to the optimiser: {', '.join(missing[:3])}", (line,)
    )


def task_default(*fields: str) -> Remedy:
    """Return the remedy that takes the task's own choice for options that were given."""

    def change(case: Case) -> Patient | None:
        patient = case.patient
        if patient.tasks is None:
            return None
        empty = type(patient.config)()
        reset = {name: getattr(empty, name) for name in fields}
        treated = patient.with_options(**reset)
        changed = {
            n: getattr(treated.config, n) for n in fields if getattr(treated.config, n) != getattr(patient.config, n)
        }
        if not changed:
            return None
        detail = ", ".join(f"{name} {value}" for name, value in changed.items())
        return treated.noted("task-default", f"as the task would choose: {detail}", (), **changed)

    return Remedy(f"default-{'-'.join(fields)}", change)


FITTED_RATE = Remedy("learning-rate-fitted", fitted_rate)
CLIPPED = Remedy("clip", clipped)
WARMED_UP = Remedy("warm-up", warmed_up)
USUAL_MOMENTUM_REMEDY = Remedy("momentum", usual_momentum)
REGISTERED = Remedy("register-parameters", registered)
ADAMW = tuple(adamw(rate) for rate in ADAM_RATES)
