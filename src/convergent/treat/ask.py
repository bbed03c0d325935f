"""Ask on the terminal whether remedies shall be tried."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from convergent.types import Finding, UserError


def ask_on_terminal(finding: Finding, tries: Sequence[str], steps: int) -> bool:
    """Show a finding, its remedies and what the trial costs, and wait for an answer; Enter means yes.

    Raises UserError where nobody is there to answer.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UserError("--treat ask: there is no terminal to ask on. Take auto or off, or hand `ask` to fit.")
    lines = [f"{finding.severity}: {finding.code}: {finding.message}", "would be tried:", *(f"  - {t}" for t in tries)]
    print("\n".join(lines), file=sys.stderr)
    answer = input(f"Try them, in about {steps} steps? [Y/n] ")
    return answer.strip().lower() in ("", "y", "yes")
