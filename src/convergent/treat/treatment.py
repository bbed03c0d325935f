"""What to do with a finding: try its remedies beside the untreated training, keep what helped, undo the rest.

The training pauses at a few marks. The doctor is asked; where it finds what has a remedy, treated copies train from the
first step to the marks that the training has passed already, so both have had the same steps, batches and draws; where
the fault came over a healthy training, from the last mark at which it was one. What wins goes on in its place, from
where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch

from convergent.config import Config
from convergent.doctor.findings import finding
from convergent.engine.loop import DivergedError, Ending, Training, train
from convergent.engine.plan import Plan
from convergent.treat.branch import Branch, Outputs, Snapshot, can_begin_from, snapshot
from convergent.treat.candidates import candidates, treatable
from convergent.treat.patient import Patient
from convergent.treat.remedies.preparation import resplit
from convergent.treat.remedies.remedy import Case
from convergent.treat.trial import Attempt, Tell, Trial, again, run_trial
from convergent.treat.yardstick import Yardstick, make_yardstick
from convergent.types import Finding

MARKS = (5, 10, 25, 50, 75)
"""Per cent of the steps."""
FEWEST_STEPS = 8
LATE, EARLY_SHARE, LONGER = 0.25, 0.5, 2
"""Before a quarter of the training trials take half of the budget: the rest can bring one candidate to there anew."""
LAST_FROM_START = 0.5
"""From its first step no candidate catches up with a training that has come further, within the budget."""
BROKEN = frozenset(
    {
        "training/learning-rate-too-high",
        "training/divergence",
        "training/non-finite",
        "training/exploding-gradient",
        "training/dying-relu",
    }
)
"""Critical findings after which the next best of an earlier trial is the better choice."""
ARISES = BROKEN | {"training/loss-spike", "training/divergence", "training/oscillating-loss"}
"""What may come over a training that was healthy before."""
LEAKAGE = "data/train-val-leakage"
UNBALANCED = frozenset({"data/class-imbalance", "result/class-collapse"})
Mode = Literal["auto", "ask", "off"]
Kept = Callable[[Branch], Branch]
"""The winner of a trial -> the training that goes on."""
Ask = Callable[[Finding, Sequence[str], int], bool]
"""(finding, what would be tried, steps that the trial takes) -> whether to try."""


def marks_of(total_steps: int, fewest: int = FEWEST_STEPS) -> list[int]:
    """Return the steps at which a training pauses for the doctor.

    >>> marks_of(1000), marks_of(40)
    ([50, 100, 250, 500, 750], [8, 10, 20, 30])
    """
    # Rounded down, a mark at twice the share is never less than twice the step.
    steps = {max(fewest, percent * total_steps // 100) for percent in MARKS}
    return sorted(step for step in steps if step < total_steps)


@dataclass(frozen=True)
class Record:
    """One treatment, as it is written down."""

    step: int
    findings: list[Finding]
    config: Config
    """Of the training as it was."""
    trial: Trial | None
    declined: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in result.json and in the journal."""
        trial = self.trial
        attempts = [] if trial is None else [
            {
                "remedies": [change.remedy for change in one.patient.changes],
                "changes": [change.detail for change in one.patient.changes],
                "options": {key: value for change in one.patient.changes for key, value in change.options},
                "were": {key: getattr(self.config, key) for c in one.patient.changes for key, _ in c.options},
                "code": [line for change in one.patient.changes for line in change.code],
                "curve": [[step, score] for step, score in one.curve],
                "kept": one is trial.winner,
                "note": one.note,
                "from_step": one.start.step if one.start is not None else 0,
            }
            for one in trial.attempts
        ]  # fmt: skip
        verdict = trial.verdict if trial is not None else None
        return {
            "step": self.step,
            "findings": [one.code for one in self.findings],
            "message": self.findings[0].message if self.findings else "",
            "attempts": attempts,
            "untreated": [[step, score] for step, score in trial.untreated] if trial is not None else [],
            "kept": next((one["remedies"] for one in attempts if one["kept"]), []),
            "gain": verdict.gain if verdict else None,
            "error": verdict.error if verdict else None,
            "steps": trial.steps if trial is not None else 0,
            "declined": self.declined,
        }


class Pending(NamedTuple):
    """A trial that is about to begin.

    at      the step at which the training stands
    step    the mark up to which it is compared: further on, where it diverged before
    reason  why it can't go on untreated; empty where it can
    """

    at: int
    step: int
    findings: list[Finding]
    reason: str = ""


class Treatment:
    """The treatments of one training; `branch` is the training as it stands.

    budget   steps that all trials together may take
    before   is told of a trial that is about to begin
    kept     is told of what won, and returns what goes on
    healthy  is told of a state in which nothing was wrong, from which what comes later is treated
    """

    def __init__(
        self, branch: Branch, plan: Plan, budget: int, tell: Tell, ask: Ask | None = None,
        before: Callable[[Pending], None] | None = None, kept: Kept | None = None,
        healthy: Callable[[Snapshot], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.branch, self.plan, self.budget = branch, plan, budget
        self.marks = marks_of(branch.total_steps)
        self.floor = 0
        self.told: list[dict[str, Any]] = []
        self._before, self._kept, self._told_healthy = before, kept, healthy
        self.first_budget = budget
        self.spare: list[Attempt] = []
        self.attempts: dict[tuple[str, ...], Attempt] = {}
        self._tell, self._ask = tell, ask
        self.outputs: dict[int, Outputs] = {}
        self.failed: dict[str, int] = {}
        self.healthy: Snapshot | None = None

    def next_mark(self) -> int | None:
        """Return the step up to which the training goes on undisturbed; None for up to its end."""
        step = self.branch.state.progress.step
        return next((mark for mark in self.marks if mark > max(step, self.floor)), None)

    def consult(self) -> bool:
        """Look at the training at a mark; return whether another one goes on in its place."""
        step = self.branch.state.progress.step
        self.outputs[step] = self.branch.outputs()
        seen = self.branch.consultant.findings()
        self._measure_cleanly(seen, step)
        seen = [one for one in seen if one.code != LEAKAGE]
        self._note_health(seen, step)
        found = [one for one in treatable(seen) if self._may_try(one, step)]
        return self.decide(found, step)

    def decide(self, found: list[Finding], step: int, reason: str = "") -> bool:
        """Try the remedies of what was found, then what came next best before; return whether another goes on."""
        if found and self.treat(found, step, reason):
            return True
        broken = bool(found) and found[0].severity == "critical" and found[0].code in BROKEN
        return (bool(reason) or (broken and self.budget < step)) and self._take_spare()

    def _measure_cleanly(self, found: Sequence[Finding], step: int) -> None:
        """Take training samples out of the validation data: no trial can tell, for it would be judged by them."""
        leak = next((one for one in found if one.code == LEAKAGE and one.severity != "info"), None)
        treated = resplit(Case(self.branch.patient, leak)) if leak is not None and self.budget > 0 else None
        if leak is None or treated is None or LEAKAGE in self.failed:
            return
        if self._ask is not None and not self._ask(leak, [treated.changes[-1].detail], 0):
            self.told.append(Record(step, [leak], self.branch.patient.config, None, declined=True).as_json())
            self.failed[LEAKAGE] = self.branch.total_steps
            return
        kept = torch.from_numpy(treated.valid.chosen)  # type: ignore[attr-defined]
        self.outputs = {mark: (outputs[kept], targets[kept]) for mark, (outputs, targets) in self.outputs.items()}
        attempt = Attempt(treated)
        trial = Trial([attempt], [], attempt, None, 0)
        self.told.append(Record(step, [leak], self.branch.patient.config, trial).as_json())
        self._tell(f"{leak.code}: {leak.message}: {treated.changes[-1].detail}")
        self.branch.patient = treated
        progress = self.branch.state.progress
        progress.best, progress.evaluations_since_best, self.branch.state.best_weights = None, 0, None

    def _note_health(self, found: Sequence[Finding], step: int) -> None:
        """Keep the state where nothing is wrong and something was learned: what comes later is treated from there."""
        outputs, targets = self.outputs[step]
        healthy = all(one.severity == "info" for one in found)
        if healthy and self.budget > 0 and self._yardstick([]).knows(outputs, targets):
            self.healthy = snapshot(self.branch)
            self._told_healthy(self.healthy)

    def _start(self, found: Sequence[Finding], patients: Sequence[Patient]) -> tuple[Snapshot | None, list[Patient]]:
        """Return the state from which to try (None: the first step), and the treated trainings that can begin there."""
        start, step = self.healthy, found[0].evidence.get("step")
        later = start is not None and not (isinstance(step, int) and step <= start.step)
        arose = any(one.code in ARISES for one in found)
        if start is None or not later or not arose or start.step >= max(self.outputs):
            return None, list(patients)
        able = [one for one in patients if can_begin_from(one, start)]
        return (start, able) if able else (None, list(patients))

    def _known(self, attempt: Attempt) -> Attempt:
        """Return the attempt as an earlier trial left it, where there was one."""
        return self.attempts.setdefault(attempt.key, attempt)

    def _may_try(self, found: Finding, step: int) -> bool:
        """Return whether a finding was not tried yet, or in vain so early that a longer trial may tell more."""
        return step >= LONGER * self.failed.get(found.code, 0)

    def treat(self, found: list[Finding], step: int, reason: str = "") -> bool:
        """Try the remedies of what was found; return whether one is kept. `reason` says why going on is of no use."""
        share = self.budget if reason else self._share(step)
        attempts = self._attempts(found, step, reason)
        if not attempts or share <= 0:
            return False
        self._tell(f"{found[0].code}: {found[0].message}")
        if not self._allowed(found, attempts, step):
            return False
        if self._before is not None:
            self._before(Pending(self.branch.state.progress.step, step, found, reason))
        further = next((mark for mark in self.marks if mark > max(self.outputs)), None)
        trial = run_trial(
            attempts, self.branch.patient, self.plan, self.branch.total_steps, self.outputs, further,
            self._yardstick(found), share, self.budget, self._tell,
        )  # fmt: skip
        self.budget -= trial.steps
        self.told.append(Record(step, found, self.branch.patient.config, trial).as_json())
        if trial.winner is None or trial.winner.branch is None:
            self.failed |= {one.code: step for one in found}
            self._tell("nothing helped by more than the noise: the training goes on untreated")
            return False
        self._keep(trial.winner, trial.attempts)
        return True

    def _attempts(self, found: Sequence[Finding], step: int, reason: str) -> list[Attempt]:
        """Return the candidates, each as an earlier trial left it; none where none could catch up any more."""
        start, patients = self._start(found, candidates(self.branch.patient, found))
        if start is None and not reason and step > LAST_FROM_START * self.branch.total_steps:
            return []
        attempts = [Attempt(one, start=start) if start else self._known(Attempt(one)) for one in patients]
        return [one for one in attempts if not one.note]

    def _allowed(self, found: list[Finding], attempts: Sequence[Attempt], step: int) -> bool:
        """Return whether the trial may be made; a no is written down, and the findings are not asked about again."""
        if self._ask is None:
            return True
        start = min(one.start.step if one.start else 0 for one in attempts)
        steps = min(self.budget, len(attempts) * (step - start))
        if self._ask(found[0], [", ".join(one.key) for one in attempts], steps):
            return True
        self.told.append(Record(step, found, self.branch.patient.config, None, declined=True).as_json())
        self.failed |= {one.code: self.branch.total_steps for one in found}
        return False

    def _keep(self, winner: Attempt, attempts: Sequence[Attempt]) -> None:
        """Let the winner of a trial go on in the training's place; the others are there should it break later."""
        assert winner.branch is not None
        self._tell(f"kept: {', '.join(change.detail for change in winner.patient.changes)}")
        others = sorted((one for one in attempts if one is not winner), key=lambda one: one.score)
        self.spare = [one for one in others if one.branch is not None and not one.note]
        self.branch.consultant.close()
        self.branch = winner.branch
        self._go_on()

    def _go_on(self) -> None:
        """Let what won go on: from where it stands, or from its first step where the plan's graph must run it all."""
        at, pace = self.branch.state.progress.step, self.branch.patient.pace
        self.outputs, self.floor = {at: self.branch.outputs()}, at
        self.attempts, self.healthy = {}, None
        if pace != 1.0:  # from now on steps are its own
            self.marks = [round(mark * pace) for mark in self.marks]
            self.budget, self.first_budget = round(self.budget * pace), round(self.first_budget * pace)
            self.failed = {code: round(step * pace) for code, step in self.failed.items()}
            self.branch.patient = replace(self.branch.patient, pace=1.0)
            self.spare = [one for one in self.spare if one.patient.pace == pace]
            for one in self.spare:
                one.patient = replace(one.patient, pace=1.0)
                one.curve = [(round(mark * pace), score) for mark, score in one.curve]
                one.left = tuple(round(mark * pace) for mark in one.left)
        if self._kept is not None:
            self.branch = self._kept(self.branch)

    def _share(self, step: int) -> int:
        """Return what a trial may take: early ones together leave something for what shows later."""
        late = step >= LATE * self.branch.total_steps
        return self.budget if late else self.budget - round((1 - EARLY_SHARE) * self.first_budget)

    def _yardstick(self, found: list[Finding]) -> Yardstick:
        outputs, targets = next(iter(self.outputs.values()))
        patient = self.branch.patient
        balanced = any(one.code in UNBALANCED for one in found)
        with torch.no_grad():
            return make_yardstick(outputs, targets, patient.recipe.loss, balanced)

    def rescue(self, reason: str) -> bool:
        """The training has diverged before a mark: look at it now; return whether another goes on in its place."""
        step = self.branch.state.progress.step
        mark = next((one for one in self.marks if one >= step), max([*self.marks, step]))
        outputs, targets = self.branch.outputs()
        self.outputs[mark] = (torch.full_like(outputs, float("nan")), targets)
        found = treatable(self.branch.consultant.findings())
        self._tell(reason)
        return self.decide(found or [finding("training/divergence", "critical", "loss", reason)], mark, reason)

    def refused(self, reason: str) -> bool:
        """The loss does not take what it is given; return whether another training goes on in its place."""
        mark = self.marks[0] if self.marks else self.branch.total_steps
        outputs, targets = self.branch.outputs()
        self.outputs[mark] = (torch.full_like(outputs, float("nan")), targets)
        self._tell(reason)
        return self.decide([finding("setup/output-loss-mismatch", "critical", "loss", reason)], mark, reason)

    def _take_spare(self) -> bool:
        """Go on with the next best of the last trial, where what won has diverged since."""
        if not self.spare:
            return False
        self.branch.consultant.close()
        self.branch = again(self.spare.pop(0), self.plan, self.branch.total_steps)
        names = ", ".join(change.detail for change in self.branch.patient.changes) or "untreated"
        self._tell(f"going on with the next best of the trial: {names}")
        self._go_on()
        return True


def train_treated(
    treatment: Treatment, training_of: Callable[[Branch], Training], consulted: Callable[[], None] = lambda: None
) -> Ending:
    """Train to the end, pausing at the marks; what goes on after a treatment is `treatment.branch`.

    `consulted` is called after each mark. Raises DivergedError where the training did and nothing helped.
    """
    while True:
        branch = treatment.branch
        try:
            ending = train(branch.state, replace(training_of(branch), pause_at=treatment.next_mark()))
        except DivergedError as error:
            if not treatment.rescue(str(error)):
                raise
            continue
        except (RuntimeError, ValueError, IndexError) as error:  # a loss that refuses what it is given
            if branch.state.progress.step or not treatment.refused(f"the first step failed: {error}"):
                raise
            continue
        if ending != "paused":
            return ending
        treatment.consult()
        consulted()
