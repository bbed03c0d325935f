"""Which treatments are worth a trial: the remedies of what was found, one by one and together.

Causes come first; where two findings are independent, their first remedies are tried together too (a learning rate and
the scale of the inputs, say). A remedy that does not apply to this training is left out, and what comes to the same
training is tried once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from convergent.treat.identity import fingerprint
from convergent.treat.patient import Patient
from convergent.treat.remedies import GENERAL, TREATS
from convergent.treat.remedies.remedy import Case, Remedy
from convergent.treat.remedies.steps import ADAMW
from convergent.types import Finding

MOST_FINDINGS = 3
MOST_CANDIDATES = 6


def treatable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that ask for a treatment and have one, causes first."""
    return [one for one in findings if one.severity != "info" and one.code in TREATS][:MOST_FINDINGS]


def candidates(patient: Patient, findings: Sequence[Finding], most: int = MOST_CANDIDATES) -> list[Patient]:
    """Return the treated trainings that are to be tried, the most promising first."""
    single = [_applicable(Case(patient, one), _remedies(one)) for one in findings]
    queues = [queue for queue in single if queue]
    found: list[Patient] = []
    if queues:
        found.append(queues[0][0][1])
        together = _together(patient, findings)
        found += [together] if together is not None else []
        good = _one_after_another(Case(queues[0][0][1], findings[0]), ADAMW[:1])
        found += [good] if good is not None else []
        found += [queue[0][1] for queue in queues[1:]]
        found += [treated for _, treated in queues[0][1:]]
        found += [treated for queue in queues[1:] for _, treated in queue[1:]]
    if not found:
        found = [treated for _, treated in _applicable(Case(patient, findings[0]), GENERAL)]
    return _distinct(found, patient)[:most]


def _remedies(finding: Finding) -> list[Remedy]:
    """Return the remedies of a finding, and then those of what it explains: the order of causes may be wrong."""
    codes = [finding.code, *finding.consequences]
    return list(dict.fromkeys(remedy for code in codes for remedy in TREATS.get(code, ())))


def _applicable(case: Case, remedies: Sequence[Remedy]) -> list[tuple[Remedy, Patient]]:
    treated = ((remedy, _applied(remedy, case)) for remedy in remedies)
    return [(remedy, patient) for remedy, patient in treated if patient is not None]


def _applied(remedy: Remedy, case: Case) -> Patient | None:
    try:
        return remedy.change(case)
    except Exception:  # a user's network may be built in any way; a remedy that fails on it does not apply
        return None


def _together(patient: Patient, findings: Sequence[Finding]) -> Patient | None:
    """Return the training with the first remedy of each finding; None where there are not two."""
    count = 0
    for one in findings:
        case = Case(patient, one)
        first = next(iter(_applicable(case, TREATS[one.code])), None)
        if first is not None:
            patient, count = first[1], count + 1
    return patient if count > 1 else None


def _one_after_another(case: Case, remedies: Sequence[Remedy]) -> Patient | None:
    for remedy in remedies:
        treated = _applied(remedy, case)
        if treated is None:
            return None
        case = replace(case, patient=treated)
    return case.patient


def _distinct(patients: Sequence[Patient], untreated: Patient) -> list[Patient]:
    """Return the trainings that differ, each once and by its fewest changes; none that is the untreated one."""
    seen = {fingerprint(untreated): untreated}
    for one in patients:
        known = seen.setdefault(key := fingerprint(one), one)
        if known is not untreated and len(one.changes) < len(known.changes):
            seen[key] = one
    return [one for one in seen.values() if one is not untreated]
