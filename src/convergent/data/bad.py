"""Samples that were left out: counted, named, and bounded by a limit."""

from __future__ import annotations

from collections.abc import Sequence

from convergent.types import Refusal, UserError


def enforce_limit(refused: Sequence[Refusal], total: int, max_bad: float) -> tuple[Refusal, ...]:
    """Return `refused` as a tuple where it is at most the share `max_bad` of `total` samples.

    Raises UserError beyond that, with the first three, and where no sample at all is left.

    >>> enforce_limit([Refusal(where="a.jpg", reason="empty file")], total=200, max_bad=0.01)[0].where
    'a.jpg'
    """
    if len(refused) <= max_bad * total and len(refused) < total:
        return tuple(refused)
    first = "; ".join(f"{refusal.where}: {refusal.reason}" for refusal in refused[:3])
    message = f"{len(refused)} of {total} samples cannot be used ({first}{'; ...' if len(refused) > 3 else ''})."
    if len(refused) >= total:
        raise UserError(f"{message} None is left to work with.")
    raise UserError(f"{message} Mend or remove them, or go on without them: --max-bad {_share(len(refused), total)}")


def _share(part: int, total: int) -> str:
    """Return the smallest share with two decimals that lets `part` of `total` pass."""
    return f"{-(-part * 100 // total) / 100:.2f}"
