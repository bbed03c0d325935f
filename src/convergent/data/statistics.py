"""What is fitted on the training split of a table: how each column becomes numbers that a network takes well.

Numeric columns: robust scaling and smooth clipping (Holzmüller, Grinsztajn, Steinwart 2024, RealMLP, arXiv 2407.04491),
and quantiles as edges of the bins of the piecewise-linear embedding (Gorishniy et al. 2022, arXiv 2203.05556).
Categorical columns: the known values, the most frequent first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

Floats = npt.NDArray[np.float64]

NUM_BINS = 48
MIN_BIN = 1e-3  # narrowest bin on the encoded scale, which spans -3 to 3
MAX_VALUES = 1_000
LARGEST = 1e100  # beyond it differences and products would overflow
UNKNOWN, MISSING, FIRST_VALUE = 0, 1, 2


class NumericColumn(BaseModel):
    """A column of numbers as the training split showed it: `missing` of its rows had none.

    `part` is year, month, ... where the column holds dates and this is one part of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    part: str = ""
    missing: int
    median: float
    scale: float
    edges: tuple[float, ...]
    """Bin edges on the encoded scale, ascending."""


class CategoricalColumn(BaseModel):
    """A column of categories as the training split showed it: the known values, the most frequent first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    missing: int
    values: tuple[str, ...]

    @property
    def num_indices(self) -> int:
        """Number of indices: unknown, missing, and one for each known value."""
        return FIRST_VALUE + len(self.values)


def robust_scale(values: Floats) -> tuple[float, float]:
    """Return (median, factor): the factor brings the middle half to a width of 1, or else the range to 2.

    >>> robust_scale(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    (3.0, 0.5)
    """
    if not len(values):
        return 0.0, 0.0
    low, first, median, third, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    for width in (third - first, (high - low) / 2):
        if width > 1 / LARGEST:
            return median, 1 / width
    return median, 0.0


def scale_smoothly(values: Floats, median: float, scale: float) -> Floats:
    """Return z / sqrt(1 + (z/3)^2) of z = (value - median) * scale: linear near 0, never beyond -3 and 3.

    >>> scale_smoothly(np.array([3.0, 1e300]), 3.0, 0.5).tolist()
    [0.0, 3.0]
    """
    z = np.clip((np.clip(values, -LARGEST, LARGEST) - median) * scale, -1e9, 1e9)
    return np.asarray(z / np.sqrt(1 + (z / 3) ** 2))


def fit_numeric(name: str, values_B: Floats, part: str = "") -> NumericColumn:
    """Return the statistics of a column of the training split; NaN and infinities count as missing.

    >>> fit_numeric("age", np.array([20.0, np.nan, 40.0])).missing
    1
    """
    known = np.clip(values_B[np.isfinite(values_B)], -LARGEST, LARGEST)
    median, scale = robust_scale(known)
    missing = len(values_B) - len(known)
    edges = bin_edges(scale_smoothly(known, median, scale))
    return NumericColumn(name=name, part=part, missing=missing, median=median, scale=scale, edges=edges)


def bin_edges(encoded: Floats) -> tuple[float, ...]:
    """Return at most NUM_BINS + 1 quantiles of `encoded`, ascending and at least MIN_BIN apart; two at the least.

    >>> bin_edges(np.array([0.0, 0.0, 1.0]))
    (0.0, 1.0)
    """
    quantiles = (
        np.quantile(encoded, np.linspace(0, 1, NUM_BINS + 1), method="inverted_cdf") if len(encoded) else np.zeros(1)
    )
    edges = [float(quantiles[0])]
    for edge in quantiles[1:].tolist():
        if edge - edges[-1] >= MIN_BIN:
            edges.append(edge)
    return tuple(edges) if len(edges) > 1 else (edges[0] - 0.5, edges[0] + 0.5)


def encode_numeric(values_B: Floats, column: NumericColumn) -> npt.NDArray[np.float32]:
    """Return the scaled values, float32, 0 where the value is missing.

    >>> encode_numeric(np.array([np.inf, 30.0]), fit_numeric("age", np.array([20.0, 30.0, 40.0]))).tolist()
    [0.0, 0.0]
    """
    known_B = np.isfinite(values_B)
    scaled_B = scale_smoothly(np.where(known_B, values_B, column.median), column.median, column.scale)
    return np.where(known_B, scaled_B, 0.0).astype(np.float32)


def fit_categorical(name: str, values: pl.Series) -> CategoricalColumn:
    """Return the statistics of a column (strings) of the training split; at most MAX_VALUES values are told apart.

    >>> fit_categorical("cut", pl.Series(["Good", "Ideal", "Ideal", None])).values
    ('Ideal', 'Good')
    """
    counts = values.drop_nulls().value_counts(name="rows")
    ordered = counts.sort(["rows", counts.columns[0]], descending=[True, False])
    known = ordered.to_series(0).head(MAX_VALUES).to_list()
    return CategoricalColumn(name=name, missing=values.null_count(), values=tuple(known))


def encode_categorical(values: pl.Series, column: CategoricalColumn) -> npt.NDArray[np.int64]:
    """Return each value's index: 0 for one that training has not seen, 1 for a missing one, then the known ones.

    >>> encode_categorical(pl.Series(["Fair", None, "Good"]), fit_categorical("cut", pl.Series(["Good"]))).tolist()
    [0, 1, 2]
    """
    known = list(column.values)
    indices = values.replace_strict(
        known, list(range(FIRST_VALUE, column.num_indices)), default=UNKNOWN, return_dtype=pl.Int64
    )
    return indices.set(values.is_null(), MISSING).to_numpy()
