"""The trial: treated trainings beside the untreated one, on the same batches, by successive halving.

Each candidate trains from the first step, or from the last state in which nothing was wrong, to a mark that the
untreated training has passed; there the worse half is given up, and the rest goes on to the next mark (Jamieson and
Talwalkar 2016, https://arxiv.org/abs/1502.07943). The best stays only if it beats the untreated training by more than
the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from convergent.engine.plan import Plan
from convergent.treat.branch import Branch, Outputs, Snapshot, new_branch
from convergent.treat.patient import Patient
from convergent.treat.yardstick import SMALLEST_GAIN, STANDARD_ERRORS, Verdict, Yardstick, compare

FINALISTS = 2
UNSURE = 2.0
"""Times what a verdict asks for: a gain that is less, or half of that, is looked at again with other draws."""
LEVEL = 1.0
"""Standard errors within which two candidates count as equal."""


@dataclass
class Attempt:
    """A candidate in a trial: how its score went, and what became of it."""

    patient: Patient
    branch: Branch | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)
    scores: Tensor | None = None
    note: str = ""
    left: tuple[int, ...] = ()
    """Marks that it had passed before a kill, and passes anew when it is needed."""
    start: Snapshot | None = None
    """The state from which it trains; None for its first step."""

    @property
    def score(self) -> float:
        """The best score so far; infinite where the training broke."""
        return min(score for _, score in self.curve) if self.curve and not self.note else float("inf")

    @property
    def step(self) -> int:
        """How far it has trained, in steps of the untreated training."""
        if self.branch is None:
            return self.start.step if self.start is not None else 0
        return round(self.branch.state.progress.step / self.patient.pace)

    @property
    def key(self) -> tuple[str, ...]:
        """What it is, so that a later trial goes on with it."""
        return tuple(change.detail for change in self.patient.changes)


def again(attempt: Attempt, plan: Plan, total_steps: int) -> Branch:
    """Return a candidate as it stands; after a kill it trains anew to where it stood, to the same bits."""
    if attempt.branch is None:
        attempt.branch = new_branch(attempt.patient, plan, total_steps)
        attempt.branch.advance(max(attempt.left))
    return attempt.branch


@dataclass(frozen=True)
class Trial:
    """What a trial found."""

    attempts: list[Attempt]
    untreated: list[tuple[int, float]]
    winner: Attempt | None
    verdict: Verdict | None
    steps: int


Tell = Callable[[str], None]


def rounds(marks: Sequence[int], count: int, budget: int, start: int = 0) -> list[int]:
    """Return the marks at which `count` candidates are compared, halved each time, within `budget` steps.

    start   the step from which they train

    >>> rounds([10, 20, 50], 4, 100), rounds([10, 20, 50], 1, 30), rounds([10, 20], 4, 30)
    ([10, 20, 50], [10, 20], [])
    """
    chosen: list[int] = []
    spent, before, alive = 0, start, count
    for mark in marks:
        spent += alive * (mark - before)
        if spent > budget:
            break
        chosen.append(mark)
        before, alive = mark, max(1, alive // 2)
    return chosen


def run_trial(
    attempts: list[Attempt], untreated: Patient, plan: Plan, total_steps: int, marks: Mapping[int, Outputs],
    further: int | None, yardstick: Yardstick, share: int, budget: int, tell: Tell,
) -> Trial:  # fmt: skip
    """Return how the candidates did against the untreated training, whose outputs at its marks are known.

    untreated for a second pair with other draws, where the first leaves doubt and the budget allows it
    further   the mark after those: where several beat the untreated training, the best of them go on to it
    attempts  the candidates; those of an earlier trial go on from where they stood
    share     steps for all candidates; within `budget` the best goes on alone where it is not clearly better yet
    """
    attempts = list(attempts)
    start = min((one.start.step for one in attempts if one.start is not None), default=0)
    marks = {mark: seen for mark, seen in marks.items() if mark > start}
    schedule = rounds(sorted(marks), len(attempts), share, start)
    while not schedule and len(attempts) > 1:  # fewer candidates rather than none
        attempts.pop()
        schedule = rounds(sorted(marks), len(attempts), share, start)
    alive, spent = list(attempts), 0
    _catch_up(attempts, plan, total_steps, yardstick, next(iter(marks.values()))[1])
    curves = {mark: yardstick.scores(*marks[mark]) for mark in schedule}
    targets = next(iter(marks.values()))[1]

    def advance(some: list[Attempt], mark: int) -> list[Attempt]:
        nonlocal spent
        for attempt in some:
            spent += _advance(attempt, plan, total_steps, mark, yardstick, targets)
            outcome = attempt.note or f"score {attempt.curve[-1][1]:.4g} at step {attempt.step}"
            tell(f"trial of {'; '.join(attempt.key)}: {outcome}")
        return sorted((one for one in some if not one.note), key=lambda one: one.score)

    for place, mark in enumerate(schedule):
        alive = advance(alive, mark)
        if place + 1 < len(schedule):
            alive = alive[: max(1, len(alive) // 2)]
    means = [(mark, _mean(yardstick, scores, targets)) for mark, scores in curves.items()]
    if not alive or not schedule:
        return Trial(attempts, means, None, None, spent)
    best = _simplest(alive, yardstick, targets)
    verdict = _verdict(best, list(curves.values()), yardstick, targets)
    for mark in (one for one in sorted(marks) if one > schedule[-1]):
        if verdict.better or spent + mark - schedule[-1] > budget:
            break
        alive = advance([best], mark)
        if not alive:
            return Trial(attempts, means, None, None, spent)
        schedule.append(mark)
        curves[mark] = yardstick.scores(*marks[mark])
        means.append((mark, _mean(yardstick, curves[mark], targets)))
        verdict = _verdict(best, list(curves.values()), yardstick, targets)
    steps = 2 * (schedule[-1] - start)
    if unsure(verdict) and spent + steps <= budget:
        spent += steps
        first = (_best_of(list(curves.values()), yardstick, targets), best.scores)
        verdict = paired_again(first, untreated, best, plan, total_steps, schedule[-1], yardstick) or verdict
        tell(f"with other draws as well: better by {verdict.gain:.3g} ± {verdict.error:.2g}")
    finalists = alive[:FINALISTS] if verdict.better else []
    if further is not None and len(finalists) > 1 and schedule[-1] == max(marks):
        affordable = max(1, (budget - spent) // (further - schedule[-1]))
        finalists = advance(finalists[:affordable], further) if affordable > 1 else finalists
        best = _simplest(finalists, yardstick, targets) if finalists else best
    return Trial(attempts, means, best if verdict.better else None, verdict, spent)


def unsure(verdict: Verdict) -> bool:
    """Return whether a gain lies so near to what is asked for that other draws could turn the verdict."""
    asked = max(STANDARD_ERRORS * verdict.error, SMALLEST_GAIN * abs(verdict.untreated))
    return asked / UNSURE < verdict.gain < UNSURE * asked


def paired_again(
    first: tuple[Tensor, Tensor | None], untreated: Patient, best: Attempt, plan: Plan, total_steps: int, mark: int,
    yardstick: Yardstick,
) -> Verdict | None:  # fmt: skip
    """Return the verdict over two seeds: both trainings once more, with other batches and draws.

    first   the scores of the untreated and of the treated training with the first seed
    None where the second pair can't be had.
    """
    pair: list[Tensor] = []
    for patient in (untreated, best.patient):
        other = patient.with_options(seed=patient.config.seed + 1)
        branch = new_branch(other, plan, round(total_steps * patient.pace), best.start)
        try:
            branch.advance(round(mark * patient.pace))
            outputs, targets = branch.outputs()
        except (RuntimeError, ValueError, TypeError, IndexError):
            return None
        finally:
            branch.consultant.close()
        pair.append(yardstick.scores(outputs, targets))
    assert first[1] is not None
    weights = yardstick.weights(targets, len(pair[0]))
    second = compare(pair[0], pair[1], weights)
    both = compare((first[0] + pair[0]) / 2, (first[1] + pair[1]) / 2, weights)
    return replace(both, better=both.better and second.gain > 0)


def _verdict(best: Attempt, untreated: Sequence[Tensor], yardstick: Yardstick, targets: Tensor) -> Verdict:
    """Compare a candidate with the untreated training, each at its best mark."""
    assert best.scores is not None
    weights = yardstick.weights(targets, len(best.scores))
    return compare(_best_of(untreated, yardstick, targets), best.scores, weights)


def _best_of(curve: Sequence[Tensor], yardstick: Yardstick, targets: Tensor) -> Tensor:
    """Return the scores of a training at its best mark."""
    return min(curve, key=lambda scores: _mean(yardstick, scores, targets))


def _simplest(alive: Sequence[Attempt], yardstick: Yardstick, targets: Tensor) -> Attempt:
    """Return the candidate with the fewest changes among those that the best hardly beats, and the smallest steps.

    A learning rate at the edge learns fastest at first, and may break later.
    """
    first = alive[0].scores
    assert first is not None
    weights = yardstick.weights(targets, len(first))
    level = [one for one in alive if one.scores is not None and not compare(one.scores, first, weights, LEVEL).better]
    return min(level, key=lambda one: (len(one.patient.changes), one.patient.learning_rate))


def _mean(yardstick: Yardstick, scores: Tensor, targets: Tensor) -> float:
    return float((yardstick.weights(targets, len(scores)) * scores).sum())


def _catch_up(attempts: Sequence[Attempt], plan: Plan, total_steps: int, yardstick: Yardstick, targets: Tensor) -> None:
    """Train candidates anew to where a kill has left them: what that takes is paid already."""
    for attempt in attempts:
        passed, attempt.left = attempt.left, ()
        for mark in passed:
            _advance(attempt, plan, total_steps, mark, yardstick, targets)


def _advance(attempt: Attempt, plan: Plan, total_steps: int, mark: int, yardstick: Yardstick, targets: Tensor) -> int:
    """Train a candidate up to a mark and score it; return the steps that it took."""
    started = attempt.step
    if attempt.note or started >= mark:
        return 0
    pace = attempt.patient.pace
    try:
        if attempt.branch is None:
            attempt.branch = new_branch(attempt.patient, plan, round(total_steps * pace), attempt.start)
        if not attempt.branch.advance(round(mark * pace)):
            attempt.note = "its loss was not finite"
        else:
            scores = yardstick.scores(*attempt.branch.outputs())
            best = attempt.scores is None or _mean(yardstick, scores, targets) < _mean(
                yardstick, attempt.scores, targets
            )
            attempt.scores = scores if best else attempt.scores
            attempt.curve.append((mark, _mean(yardstick, scores, targets)))
    except torch.OutOfMemoryError:
        attempt.note, attempt.branch = "it ran out of memory", None
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        attempt.note, attempt.branch = f"it can't train: {str(error).splitlines()[0][:120]}", None
    return (attempt.step if attempt.branch else mark) - started
