"""The doctor's vocabulary: builds a finding from a code, with what belongs to the code.

A code is a public contract: it stands in JSON, in reports and in tests, and is never renamed.
"""

from __future__ import annotations

from typing import Any

from convergent.doctor.codes.code import Code
from convergent.doctor.codes.data import DATA
from convergent.doctor.codes.result import RESULT
from convergent.doctor.codes.setup import SETUP
from convergent.doctor.codes.training import TRAINING
from convergent.types import Finding, Severity

CODES: dict[str, Code] = DATA | SETUP | TRAINING | RESULT


def finding(code: str, severity: Severity, where: str, message: str, **evidence: Any) -> Finding:
    """Return a finding with the remedies, the reason and the source of its code.

    >>> finding("data/constant-feature", "info", "feature 3", "feature 3 never changes", value=0.0).remedies
    ['drop the feature']
    """
    entry = CODES[code]
    return Finding(
        code=code,
        severity=severity,
        where=where,
        message=message,
        evidence=evidence,
        remedies=list(entry.remedies),
        source=entry.source,
        why=entry.why,
    )
