"""Samples chosen from others: what remedies on the data train on, without copying it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convergent.data.lengths import lengths_of
from convergent.types import Batch, Refusal, Samples


class ChosenSamples:
    """Some samples of others, in any order and as often as one likes."""

    def __init__(self, samples: Samples, chosen: np.ndarray) -> None:
        self.samples, self.chosen = samples, chosen.astype(np.int64)

    @property
    def decoded(self) -> bool:
        """True where the others are in memory."""
        return self.samples.decoded

    @property
    def refused(self) -> Sequence[Refusal]:
        """What was left out of the others."""
        return self.samples.refused

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know of the others."""
        return self.samples.notes

    @property
    def lengths(self) -> np.ndarray | None:
        """The tokens of each chosen sample, where the others tell of theirs."""
        lengths_N = lengths_of(self.samples)
        return None if lengths_N is None else lengths_N[self.chosen]

    def __len__(self) -> int:
        return len(self.chosen)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the chosen samples at `indices`."""
        return self.samples.batch(self.chosen[indices])

    def name(self, index: int) -> str:
        """Return the name of the chosen sample."""
        return self.samples.name(int(self.chosen[index]))


class ReplacedSamples(ChosenSamples):
    """Others in the same places, but for a few that others stand in for: all batches that lack those stay the same."""

    def __init__(self, samples: Samples, left_out: np.ndarray) -> None:
        chosen = np.arange(len(samples), dtype=np.int64)
        kept = np.setdiff1d(chosen, left_out)
        chosen[left_out] = kept[np.asarray(left_out) % len(kept)]
        super().__init__(samples, chosen)
        self.left_out = tuple(int(one) for one in left_out)
