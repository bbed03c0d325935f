"""Units that never fire, units stuck at their ends, outputs that never change.

TheDeepChecker (Ben Braiek and Khomh 2023); rho_B of Rakitianskaia and Engelbrecht 2015.
"""

from __future__ import annotations

import math
from collections import defaultdict

from convergent.doctor.features import numeric_targets
from convergent.doctor.findings import finding
from convergent.doctor.record import ActivationSample, Evidence
from convergent.doctor.statistics import failed, last_evaluation, learned_well, median, room
from convergent.types import Finding

DEAD = 0.5
DEAD_OF_SMALL_BATCH = 0.7
MOST, HALF_WAY = 0.8, 0.6
"""Up to four dead units of five do no harm where the loss is well on its way."""
SATURATED = 0.85


def _late(evidence: Evidence) -> dict[str, list[ActivationSample]]:
    """Return the samples of the second half of the training, by activation."""
    last = max((sample.step for sample in evidence.activations), default=0)
    found: dict[str, list[ActivationSample]] = defaultdict(list)
    for sample in evidence.activations:
        if sample.step >= last / 2:
            found[sample.name].append(sample)
    return {name: mine for name, mine in found.items() if len(mine) >= 3}


def dying_relu(evidence: Evidence) -> Finding | None:
    """Say in which layers most units are zero for every sample, step after step."""
    limit = DEAD if (evidence.batch_size or 0) >= 16 else DEAD_OF_SMALL_BATCH
    seen = {name for name, mine in _late(evidence).items() if mine[0].units > 1}
    dead = {name: share for name, share in evidence.dead_units.items() if name in seen}
    worst = max(dead, key=lambda name: dead[name], default=None)
    if worst is None or dead[worst] <= limit or learned_well(evidence):
        return None
    if dead[worst] <= MOST and room(evidence) < HALF_WAY and not failed(evidence):
        return None  # the units that are left are enough
    return finding(
        "training/dying-relu",
        "critical" if dead[worst] > 0.95 and failed(evidence) else "warning",
        worst,
        f"{dead[worst]:.0%} of the units after {worst} are zero for every sample, batch after batch: no gradient "
        "passes them",
        share=dead[worst],
        by_layer={name: share for name, share in dead.items() if share > 0.1},
    )


def saturated_activations(evidence: Evidence) -> Finding | None:
    """Say in which hidden layers sigmoid or tanh is stuck at its ends."""
    ends = {layer.name for layer in evidence.layers if layer.is_last}
    late = {name: mine for name, mine in _late(evidence).items() if name not in ends}
    stuck = {name: median([s.saturation for s in mine if math.isfinite(s.saturation)]) for name, mine in late.items()}
    stuck = {name: value for name, value in stuck.items() if math.isfinite(value)}
    worst = max(stuck, key=lambda name: stuck[name], default=None)
    if worst is None or stuck[worst] <= SATURATED or learned_well(evidence):
        return None
    return finding(
        "training/saturated-activations",
        "critical" if failed(evidence) else "warning",
        worst,
        f"the activation after {worst} lies at its ends (rho {stuck[worst]:.2f} of 1), where its gradient is near zero",
        rho=stuck[worst],
        by_layer={name: value for name, value in stuck.items() if value > 0.5},
    )


def constant_output(evidence: Evidence) -> Finding | None:
    """Say where the network gives every input the same output."""
    numbers = numeric_targets(evidence, evidence.data.train)
    unit = float(numbers.std()) if numbers is not None and len(numbers) > 1 else 1.0
    spreads = [s.output_std / max(unit, 1e-30) for s in evidence.samples if s.output_std is not None]
    if len(spreads) < 5 or not failed(evidence) or evidence.adversarial:
        return None
    late = median(spreads[len(spreads) // 2 :])
    first = median(spreads[:3])
    one = last_evaluation(evidence, "train") or last_evaluation(evidence, "valid")
    single = (
        one is not None and len(one.predicted_counts) > 1 and max(one.predicted_counts) == sum(one.predicted_counts)
    )
    if not (late < 1e-5 or (late < 0.02 * first and (single or one is None))):
        return None
    return finding(
        "training/constant-output",
        "critical" if late < 1e-5 else "warning",
        "output",
        f"outputs differ between samples by {late:.1e} only: the network predicts the same for every input",
        spread=late,
        first_spread=first,
    )


RULES = (dying_relu, saturated_activations, constant_output)
