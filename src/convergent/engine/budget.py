"""How many steps a run takes: by epochs, by steps, or by the clock.

With a time limit the schedule of the learning rate must end within it. The first estimate comes from the plan's
measured step; while the run goes on, the total is set again from what the steps and evaluations really took, so that
the last step is taken at the end of the decay and not cut off by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from convergent.config import Config
from convergent.engine.state import Progress

RESERVE = 0.03
LENGTHEN_UNTIL = 0.8
UNCHANGED = 0.01  # of the steps that are left; of all steps it would be most of those left near the end
SAMPLING = 100
FIXED_POINT_ROUNDS = 5


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


def mean_cost(profile: Sequence[float], start: float, end: float) -> float:
    """Return the mean cost of a step between two points of the training, relative to one at its end.

    `profile` holds the cost in equal parts of the training: progressive resizing makes the first steps cheaper.

    >>> mean_cost([0.5, 1.0], 0.0, 1.0), mean_cost([0.5, 1.0], 0.5, 1.0), mean_cost([], 0.2, 0.4)
    (0.75, 1.0, 1.0)
    """
    if not profile or end <= start:
        return 1.0
    points = [start + (end - start) * (i + 0.5) / SAMPLING for i in range(SAMPLING)]
    return sum(profile[min(int(point * len(profile)), len(profile) - 1)] for point in points) / SAMPLING


def steps_in_time(
    seconds_left: float, step_seconds: float, overhead_share: float, profile: Sequence[float] = ()
) -> int:
    """Return how many steps fit, where evaluating and saving add `overhead_share` to each second of training.

    >>> steps_in_time(100.0, 0.1, 0.0)
    970
    """
    per_step = step_seconds * (mean_cost(profile, 0.0, 1.0) + overhead_share)
    return max(1, int(seconds_left * (1 - RESERVE) / per_step))


def adjusted_total(
    progress: Progress,
    seconds_left: float,
    seconds_per_step: float,
    most: int | None,
    profile: Sequence[float] = (),
) -> int:
    """Return the total of steps for the time that is left; no longer one in the last part, where the rate is to fall.

    `seconds_per_step` is what a step has taken so far, with its share of evaluations and checkpoints; `most` bounds
    the total by what was asked for.
    """
    so_far = mean_cost(profile, 0.0, progress.step / progress.total_steps)
    full_step = max(1e-9, seconds_per_step / so_far)
    possible = progress.total_steps
    for _ in range(FIXED_POINT_ROUNDS):
        ahead = mean_cost(profile, min(1.0, progress.step / possible), 1.0)
        possible = progress.step + max(1, int(seconds_left * (1 - RESERVE) / (full_step * ahead)))
    if possible > progress.total_steps and progress.step > LENGTHEN_UNTIL * progress.total_steps:
        return progress.total_steps
    if abs(possible - progress.total_steps) < UNCHANGED * (progress.total_steps - progress.step):
        return progress.total_steps
    return min(possible, most) if most is not None else possible
