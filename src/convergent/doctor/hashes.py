"""One number a sample, computed where the sample lies: equal samples are told without reading them back.

Multiply-and-add hashing (Dietzfelbinger 1996) on the samples' bits as integers: sums of products modulo 2^64 do not
depend on the order of the additions, so every device gives the same numbers.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""By the bytes of one element: as what its bits are read, where samples can't be read in pieces of 64 bits."""
AT_ONCE = 4096
ROUND, MIX = 0x2545F4914F6CDD1D, 0x5851F42D4C957F2D
SHIFT = 47


@functools.lru_cache(maxsize=8)
def _factors(device: torch.device) -> Tensor:
    """Return (AT_ONCE,) odd multipliers of 64 bits, the same on every device."""
    generator = torch.Generator().manual_seed(0)
    halves = torch.randint(2**31, (2, AT_ONCE), generator=generator)
    return ((halves[0] << 33) ^ (halves[1] << 1) | 1).to(device)


def _mixed(values: Tensor) -> Tensor:
    """Return numbers whose low bits depend on the high ones too: pixels that are 0 or 1 differ in few bits."""
    values = values * MIX
    return values.bitwise_xor_(values >> SHIFT)


def _words(inputs: Tensor) -> Tensor:
    """Return the bits of every sample as integers, (N, words): of 64 bits where that divides a sample."""
    flat, size = inputs.reshape(-1).contiguous(), inputs.element_size()
    if not len(flat):
        return inputs.new_zeros((len(inputs), 1), dtype=torch.long)
    kind = WORDS[size]
    if len(flat) // len(inputs) * size % 8 == 0:
        kind = torch.int64
        flat = flat.clone() if flat.storage_offset() * size % 8 else flat
    return flat.view(kind).view(len(inputs), -1)


@torch.no_grad()
def row_hashes(inputs: Tensor) -> Tensor:
    """Return one number a sample, int64 (N,) on the inputs' device; (0,) where their kind has no bits to compare.

    >>> first, second, third = row_hashes(torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]])).tolist()
    >>> first == second, first == third
    (True, False)
    """
    if inputs.is_complex() or inputs.is_sparse or inputs.is_quantized or not len(inputs):
        return torch.empty(0, dtype=torch.long, device=inputs.device)
    hashes: Tensor | None = None
    for part in _words(inputs.detach()).split(AT_ONCE, 1):
        sums = _mixed(part.long()).mul_(_factors(inputs.device)[: part.shape[1]]).sum(1)
        hashes = _mixed(sums if hashes is None else hashes * ROUND + sums)
    assert hashes is not None
    return hashes


def hash_samples(inputs: Tensor) -> list[int]:
    """Return one number a sample on the host, equal for equal samples; nothing where their kind has no bits to compare.

    >>> first, second = hash_samples(torch.tensor([[1, 2], [2, 1]]))
    >>> first == second
    False
    """
    hashes: list[int] = row_hashes(inputs).tolist()
    return hashes
