"""How many steps a run takes: by epochs, by steps, or by the clock.

With a time limit the schedule of the learning rate must end within it. The first estimate comes from the plan's
measured step; while the run goes on, the total is set again from what the steps and evaluations really took, so that
the last step is taken at the end of the decay and not cut off by the clock.
"""

from __future__ import annotations

from convergent.config import Config
from convergent.engine.state import Progress

RESERVE = 0.03
LENGTHEN_UNTIL = 0.3


def requested_steps(config: Config, steps_per_epoch: int) -> int | None:
    """Return the number of steps that was asked for, or None where only the clock decides.

    >>> from convergent.config import make_config
    >>> requested_steps(make_config(epochs=3), 10), requested_steps(make_config(max_steps=5, epochs=3), 10)
    (30, 5)
    """
    if config.max_steps is not None:
        return config.max_steps
    if config.epochs is not None:
        return config.epochs * steps_per_epoch
    return None


def steps_in_time(seconds_left: float, step_seconds: float, overhead_share: float) -> int:
    """Return how many steps fit, where evaluating and saving add `overhead_share` to each second of training.

    >>> steps_in_time(100.0, 0.1, 0.0)
    970
    """
    return max(1, int(seconds_left * (1 - RESERVE) / (step_seconds * (1 + overhead_share))))


def adjusted_total(progress: Progress, seconds_left: float, seconds_per_step: float, most: int | None) -> int:
    """Return the total of steps for the time that is left; longer only early on, while the rate has hardly decayed.

    `seconds_per_step` includes the share of evaluations and checkpoints; `most` bounds it by what was asked for.
    """
    possible = progress.step + max(0, int(seconds_left * (1 - RESERVE) / max(1e-9, seconds_per_step)))
    if possible > progress.total_steps and progress.step > LENGTHEN_UNTIL * progress.total_steps:
        return progress.total_steps
    if abs(possible - progress.total_steps) < 0.01 * progress.total_steps:
        return progress.total_steps
    return min(possible, most) if most is not None else possible
