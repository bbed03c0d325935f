"""Which sample learns, chooses or judges: a pure function of the seed and of labels or groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MANY = 20_000


class Parts(NamedTuple):
    """Row numbers (int64, ascending) of the three parts; together every row once."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split_fractions(
    count: int, valid_fraction: float | None, test_fraction: float | None, has_test: bool
) -> tuple[float, float]:
    """Return the shares to hold out of `count` samples: (valid, test).

    Ten percent each by default; five for validation where a test split is given and samples are many.

    >>> split_fractions(1000, None, None, has_test=False), split_fractions(50_000, None, None, has_test=True)
    ((0.1, 0.1), (0.05, 0.0))
    """
    if valid_fraction is None:
        valid_fraction = 0.05 if has_test and count >= MANY else 0.1
    if has_test:
        return valid_fraction, 0.0
    return valid_fraction, 0.1 if test_fraction is None else test_fraction


def stratified_split(labels: np.ndarray, valid: float, test: float, seed: int) -> Parts:
    """Return parts in which every class has its share; `labels` (N,) of any sortable type.

    A class of two samples or more is in train and in validation, one of three or more in all parts asked for.

    >>> parts = stratified_split(np.array([0] * 90 + [1] * 10), 0.1, 0.1, seed=0)
    >>> [len(part) for part in parts], int((parts.valid >= 90).sum())
    ([80, 10, 10], 1)
    """
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, len(labels)]).permutation(len(labels))
    order = order[np.argsort(codes[order], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    rank = np.arange(len(labels)) - np.repeat(starts, sizes)
    num_valid = _held_out(sizes, valid, np.minimum(sizes - 1, 1))
    num_test = np.minimum(_held_out(sizes, test, np.clip(sizes - 2, 0, 1)), sizes - 1 - num_valid)
    return _assign(order, rank, np.repeat(num_valid, sizes), np.repeat(num_test, sizes))


def _held_out(sizes: np.ndarray, fraction: float, at_least: np.ndarray) -> np.ndarray:
    if fraction == 0:
        return np.zeros_like(sizes)
    return np.clip(np.round(sizes * fraction).astype(np.int64), at_least, np.maximum(sizes - 1, 0))


def together_split(labels: np.ndarray, keys: np.ndarray, valid: float, test: float, seed: int) -> Parts:
    """Return parts in which every class has its share and samples of the same key (equal texts) lie together.

    >>> keys = np.array(list("aabbcd"))
    >>> parts = together_split(np.zeros(6), keys, 0.25, 0.25, seed=0)
    >>> sorted(len(part) for part in parts), set(keys[parts.train]) & set(keys[parts.test])
    ([1, 2, 3], set())
    """
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    parts = stratified_split(labels[first], valid, test, seed)
    return Parts(*(np.flatnonzero(np.isin(codes, part)) for part in parts))


def plain_split(count: int, valid: float, test: float, seed: int) -> Parts:
    """Return parts of `count` rows drawn without regard to anything."""
    return stratified_split(np.zeros(count, dtype=np.int64), valid, test, seed)


def group_split(groups: np.ndarray, valid: float, test: float, seed: int) -> Parts:
    """Return parts in which all rows of a group (a patient, a speaker) lie together; `groups` (N,).

    Groups are drawn at random until a part has its share, so shares hold as nearly as the groups allow.

    >>> parts = group_split(np.repeat(np.arange(20), 5), 0.1, 0.1, seed=0)
    >>> [len(part) for part in parts]
    [80, 10, 10]
    """
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, len(groups)]).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    middle = (before + sizes[order] / 2) / max(len(groups), 1)
    part_of_group = np.empty(len(sizes), dtype=np.int64)
    part_of_group[order] = np.where(middle < valid, 1, np.where(middle < valid + test, 2, 0))
    _fill_empty_parts(part_of_group, sizes, [1] * (valid > 0) + [2] * (test > 0))
    part = part_of_group[codes]
    return Parts(*(np.flatnonzero(part == number) for number in range(3)))


def _fill_empty_parts(part_of_group: np.ndarray, sizes: np.ndarray, wanted: list[int]) -> None:
    """Give each of the parts `wanted` that is empty the smallest group of a part with several, in place."""
    for number in wanted:
        spare = np.bincount(part_of_group, minlength=3)[part_of_group] > 1
        if not (part_of_group == number).any() and spare.any():
            part_of_group[np.argmin(np.where(spare, sizes, np.inf))] = number


def _assign(order: np.ndarray, rank: np.ndarray, num_valid: np.ndarray, num_test: np.ndarray) -> Parts:
    in_valid = rank < num_valid
    in_test = ~in_valid & (rank < num_valid + num_test)
    train, valid, test = (np.sort(order[chosen]) for chosen in (~in_valid & ~in_test, in_valid, in_test))
    return Parts(train, valid, test)
