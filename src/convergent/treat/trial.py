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


@dataclass(eq=False)
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
    def known_scores(self) -> Tensor:
        """The scores at its best mark; it must have passed one."""
        assert self.scores is not None
        return self.scores

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
        attempt.branch = new_branch(attempt.patient, plan, total_steps, attempt.start)
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


def rounds(marks: Sequence[int], standing: Sequence[int], budget: int) -> list[int]:
    """Return the marks at which candidates are compared, halved each time, within `budget` steps.

    standing  the step up to which each of them has trained; those that stay are taken to be the dearest

    >>> rounds([10, 20, 50], [0, 0, 0, 0], 90), rounds([10, 20, 50], [0], 30), rounds([10, 20], [0, 0, 0, 0], 30)
    ([10, 20, 50], [10, 20], [])
    """
    chosen: list[int] = []
    spent, alive = 0, sorted(standing)
    for mark in marks:
        spent += sum(max(0, mark - at) for at in alive)
        if spent > budget:
            break
        chosen.append(mark)
        alive = [max(at, mark) for at in alive[: -(-len(alive) // 2)]]
    return chosen


def affordable(marks: Sequence[int], standing: Sequence[int], budget: int) -> tuple[int, list[int]]:
    """Return how many of the candidates are tried, and the marks: rather fewer that come far than many that do not.

    What helps shows late, so the last mark that two of them can reach is taken, and as many as can reach it.

    >>> affordable([10, 20, 50], [0] * 6, 100), affordable([10, 20, 50], [0] * 6, 60), affordable([10], [0], 5)
    ((4, [10, 20, 50]), (2, [10, 20, 50]), (1, []))
    """
    fewest = min(FINALISTS, len(standing))
    for last in range(len(marks), 0, -1):
        for count in range(len(standing), fewest - 1, -1):
            if len(rounds(marks[:last], standing[:count], budget)) == last:
                return count, list(marks[:last])
    return 1, rounds(marks, standing[:1], budget)


@dataclass
class Contest:
    """A trial under way: candidates beside the untreated training, whose outputs at its marks are known."""

    untreated: Patient
    plan: Plan
    total_steps: int
    marks: dict[int, Outputs]
    yardstick: Yardstick
    tell: Tell
    start: int = 0
    spent: int = 0
    curves: dict[int, Tensor] = field(default_factory=dict)
    """Scores of the untreated training at the marks up to which candidates have come."""

    @property
    def targets(self) -> Tensor:
        """Of the validation samples."""
        return next(iter(self.marks.values()))[1]

    def mean(self, scores: Tensor) -> float:
        """Return the mean score."""
        return float((self.yardstick.weights(self.targets, len(scores)) * scores).sum())

    def compare(self, one: Tensor, other: Tensor, errors: float = STANDARD_ERRORS) -> Verdict:
        """Return whether the other is better than the one."""
        return compare(one, other, self.yardstick.weights(self.targets, len(other)), errors)

    def catch_up(self, attempts: Sequence[Attempt]) -> None:
        """Train candidates anew to where a kill has left them: what that takes is paid already."""
        for attempt in attempts:
            passed, attempt.left = attempt.left, ()
            for mark in passed:
                self._advance_one(attempt, mark)

    def advance(self, some: Sequence[Attempt], mark: int) -> list[Attempt]:
        """Train candidates up to a mark; return those that can go on, the best first."""
        for attempt in some:
            self.spent += self._advance_one(attempt, mark)
            outcome = attempt.note or f"score {attempt.curve[-1][1]:.4g} at step {attempt.step}"
            self.tell(f"trial of {'; '.join(attempt.key)}: {outcome}")
        if mark in self.marks:
            self.curves[mark] = self.yardstick.scores(*self.marks[mark])
        return sorted((one for one in some if not one.note), key=lambda one: one.score)

    def halve(self, attempts: Sequence[Attempt], schedule: Sequence[int]) -> list[Attempt]:
        """Train candidates from mark to mark, the worse half given up each time; return those that are left."""
        alive = list(attempts)
        for mark in schedule:
            if mark != schedule[0]:
                alive = self._better_half(alive, attempts[0])
            alive = self.advance(alive, mark)
        return alive

    def _better_half(self, alive: list[Attempt], first: Attempt) -> list[Attempt]:
        """Return the better half; the first, which answers the cause, yields to nothing but a clear difference.

        Early scores tell who starts fast: what is known of the cause weighs more than a difference within the noise.
        """
        half = alive[: -(-len(alive) // 2)]
        if first in half or first not in alive:
            return half
        clear = self.compare(first.known_scores, half[-1].known_scores, LEVEL).better
        return half if clear else [*half[:-1], first]

    def follow(self, best: Attempt, budget: int) -> Verdict | None:
        """Return whether the best beats the untreated training, at further marks where it does not yet.

        None where it breaks on the way.
        """
        verdict = self.verdict(best)
        reached = max(self.curves)
        for mark in (one for one in sorted(self.marks) if one > reached):
            if verdict.better or self.spent + max(0, mark - best.step) > budget:
                break
            if not self.advance([best], mark):
                return None
            verdict = self.verdict(best)
        return verdict

    def verdict(self, best: Attempt) -> Verdict:
        """Compare a candidate with the untreated training, each at its best mark."""
        return self.compare(self._untreated_scores(), best.known_scores)

    def confirm(self, verdict: Verdict, best: Attempt, budget: int) -> Verdict:
        """Return the verdict; one that leaves doubt over two pairs, where the budget allows the second."""
        reached = max(self.curves)
        steps = 2 * (reached - self.start)
        if not unsure(verdict) or self.spent + steps > budget:
            return verdict
        self.spent += steps
        first = (self._untreated_scores(), best.scores)
        both = paired_again(first, self.untreated, best, self.plan, self.total_steps, reached, self.yardstick)
        verdict = both or verdict
        self.tell(f"with other draws as well: better by {verdict.gain:.3g} ± {verdict.error:.2g}")
        return verdict

    def final(self, alive: list[Attempt], best: Attempt, first: Attempt, further: int | None, budget: int) -> Attempt:
        """Return the best of those that beat the untreated training: at a further mark where several do."""
        finalists = alive[:FINALISTS]
        reached = max(self.curves)
        if further is None or len(finalists) < FINALISTS or reached != max(self.marks):
            return best
        count = max(1, (budget - self.spent) // (further - reached))
        finalists = self.advance(finalists[:count], further) if count > 1 else finalists
        return self.chosen(finalists, first) if finalists else best

    def chosen(self, alive: Sequence[Attempt], first: Attempt) -> Attempt:
        """Return the best, or the first where it helps and the best is not better than it by more than the noise.

        What answers the cause goes on helping; of others that the best hardly beats the one with the fewest changes and
        the smallest steps is taken: a learning rate at the edge learns fastest at first, and may break later.
        """
        best = alive[0].known_scores
        level_with_best = first in alive and not self.compare(first.known_scores, best).better
        if level_with_best and self.verdict(first).better:
            return first
        level = [one for one in alive if not self.compare(one.known_scores, best, LEVEL).better]
        return min(level, key=lambda one: (len(one.patient.changes), one.patient.learning_rate))

    def result(self, attempts: list[Attempt], winner: Attempt | None, verdict: Verdict | None) -> Trial:
        """Return what the trial found."""
        means = [(mark, self.mean(scores)) for mark, scores in sorted(self.curves.items())]
        return Trial(attempts, means, winner, verdict, self.spent)

    def _untreated_scores(self) -> Tensor:
        return min(self.curves.values(), key=self.mean)

    def _advance_one(self, attempt: Attempt, mark: int) -> int:
        """Train a candidate up to a mark and score it; return the steps that it took."""
        started = attempt.step
        if attempt.note or started >= mark:
            return 0
        try:
            self._train(attempt, mark)
        except torch.OutOfMemoryError:
            attempt.note, attempt.branch = "it ran out of memory", None
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            attempt.note, attempt.branch = f"it can't train: {str(error).splitlines()[0][:120]}", None
        return (attempt.step if attempt.branch else mark) - started

    def _train(self, attempt: Attempt, mark: int) -> None:
        pace = attempt.patient.pace
        if attempt.branch is None:
            attempt.branch = new_branch(attempt.patient, self.plan, round(self.total_steps * pace), attempt.start)
        if not attempt.branch.advance(round(mark * pace)):
            attempt.note = "its loss was not finite"
            return
        scores = self.yardstick.scores(*attempt.branch.outputs())
        if attempt.scores is None or self.mean(scores) < self.mean(attempt.scores):
            attempt.scores = scores
        attempt.curve.append((mark, self.mean(scores)))


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
    start = min((one.start.step for one in attempts if one.start is not None), default=0)
    passed = {mark: seen for mark, seen in marks.items() if mark > start}
    contest = Contest(untreated, plan, total_steps, passed, yardstick, tell, start)
    contest.catch_up(attempts)
    count, schedule = affordable(sorted(passed), [one.step for one in attempts], share)
    attempts = attempts[:count]
    alive = contest.halve(attempts, schedule)
    if not alive or not schedule:
        return contest.result(attempts, None, None)
    best = contest.chosen(alive, attempts[0])
    verdict = contest.follow(best, budget)
    if verdict is None:
        return contest.result(attempts, None, None)
    if share >= budget:  # an early trial is better made again later: more steps tell more than other draws
        verdict = contest.confirm(verdict, best, budget)
    winner = contest.final(alive, best, attempts[0], further, budget) if verdict.better else None
    return contest.result(attempts, winner, verdict)


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
