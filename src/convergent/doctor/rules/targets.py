"""Are the numbers that are to be predicted of the scale on which outputs start? (TheDeepChecker)"""

from __future__ import annotations

import torch

from convergent.doctor.features import class_targets
from convergent.doctor.findings import finding
from convergent.doctor.record import Evidence
from convergent.doctor.rules.data import EXTREME, LARGE, grade
from convergent.doctor.statistics import course, failed, learned_well
from convergent.types import Finding

FAR_ABOVE = 100.0
"""Times the loss at the end, from where the first one spends the training on the targets' scale."""


def targets_not_scaled(evidence: Evidence) -> Finding | None:
    """Say where a regression's targets are far from unit scale."""
    samples, call = evidence.data.train, evidence.data.loss
    if call is None or call.kind not in ("mse", "l1", "smooth_l1") or samples is None or samples.targets is None:
        return _other_targets(evidence) or _own_targets(evidence)
    if class_targets(evidence, samples) is not None or len(samples.targets) < 8:
        return None
    y = torch.nan_to_num(samples.targets.float())
    level, spread = float(y.mean()), float(y.std())
    if 0.1 <= spread <= 10 and abs(level) <= 10 * max(spread, 1.0):
        return None
    extreme = spread > EXTREME or abs(level) > 10 * max(spread, 1.0) or spread < 1e-3
    return finding(
        "data/targets-not-scaled",
        grade(evidence, extreme),
        "targets",
        f"the targets have mean {level:.3g} and standard deviation {spread:.3g}, where a linear output starts "
        "near 0 with "
        "unit scale",
        mean=level,
        std=spread,
    )


def _other_targets(evidence: Evidence) -> Finding | None:
    """Say where the numbers of a further loss are so large that it outweighs the first."""
    far = [one for one in evidence.data.other_targets if max(abs(one[2]), one[3]) > LARGE]
    if not far or learned_well(evidence):
        return None
    name, shape, level, spread = max(far, key=lambda one: max(abs(one[2]), one[3]))
    return finding(
        "data/targets-not-scaled",
        grade(evidence, max(abs(level), spread) > EXTREME),
        f"{name} of outputs {shape}",
        f"the numbers that {name} compares outputs {shape} with have mean {level:.3g} and standard deviation "
        f"{spread:.3g}: this loss outweighs the {evidence.data.loss.name if evidence.data.loss else 'other'} beside it",
        mean=level,
        std=spread,
    )


def _own_targets(evidence: Evidence) -> Finding | None:
    """Say where a loss of the user's own takes large numbers from outputs, and begins far above where it ends."""
    taken, seen = evidence.data.subtracted, course(evidence)
    if evidence.data.loss is not None or taken is None or seen is None or not evidence.losses:
        return None
    level, spread = taken
    fell = evidence.losses[0] > FAR_ABOVE * abs(seen.end)
    if max(abs(level), spread) <= LARGE or not (fell or failed(evidence)):
        return None
    return finding(
        "data/targets-not-scaled",
        # That it fell far is no success here: it began as far above.
        grade(evidence, max(abs(level), spread) > EXTREME) if failed(evidence) else "warning",
        "targets",
        f"the numbers that the loss takes from outputs have mean {level:.3g} and standard deviation {spread:.3g}, "
        f"where outputs start near 0 with unit scale: it begins at {evidence.losses[0]:.3g} and ends at {seen.end:.3g}",
        mean=level,
        std=spread,
        first_loss=evidence.losses[0],
        loss=seen.end,
    )


RULES = (targets_not_scaled,)
