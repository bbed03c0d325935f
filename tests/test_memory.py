"""Freed memory: steps of equal shapes are left alone; a heap that grows without an end is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convergent.memory import HoleKeeper, resident_bytes

MB = 2**20
BLOCKS = """
import torch
from convergent.memory import HoleKeeper, keep_freed_memory, resident_bytes
assert keep_freed_memory()
keeper = HoleKeeper()
keeper.look(resident_bytes())
kept, freed = [], []
for size in range(400):  # blocks that cannot join: something small that stays lies between them
    freed.append(torch.ones(2**18 + 2**10 * (size % 7)))
    kept.append(torch.ones(2**8))
before = resident_bytes()
freed.clear()
held = resident_bytes()
given = keeper.look(held)
print(given, before // 2**20, held // 2**20, resident_bytes() // 2**20)
"""


def test_equal_steps_are_left_alone() -> None:
    keeper = HoleKeeper()
    assert [keeper.look(resident * MB) for resident in (2_000, 2_100, 2_400, 2_000, 2_490)] == [False] * 5


def test_what_steps_need_is_seen_anew_after_memory_was_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convergent.memory.give_back_freed_memory", lambda: True)
    keeper = HoleKeeper()
    seen = [keeper.look(resident * MB) for resident in (1_000, 2_000, 2_000, 2_000, 2_400, 2_600)]
    assert seen == [False, True, False, False, False, True]


def test_a_small_process_may_grow_by_a_quarter_of_a_gigabyte() -> None:
    keeper = HoleKeeper()
    assert not any(keeper.look(resident * MB) for resident in (100, 200, 300, 340))


def test_a_system_that_does_not_say_is_left_alone() -> None:
    assert not HoleKeeper().look(None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be told")
def test_holes_are_given_back_to_the_system() -> None:
    assert resident_bytes() is not None
    words = subprocess.run([sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True).stdout.split()
    before, held, after = map(int, words[1:])
    assert words[0] == "True"
    assert held > before - 50, "glibc was told to keep what is freed"
    assert after < held - 250


APART = """
from contextlib import nullcontext
from convergent.memory import large_blocks_apart, resident_bytes

def left_over(phase):
    freed, kept = [], []
    with phase:
        for _ in range(40):
            freed.append(b"x" * (8 * 2**20))
            kept.append(b"x" * 2**16)
        before = resident_bytes()
        freed.clear()
        return (before - resident_bytes()) // 2**20

del_first = b"x" * (32 * 2**20 - 2**16)
del del_first  # glibc's threshold rises to what is freed: 8 MB come from the heap from now on
print(left_over(large_blocks_apart()), left_over(nullcontext()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be told")
def test_large_blocks_leave_no_holes_in_a_phase_that_asks_for_it() -> None:
    words = subprocess.run([sys.executable, "-c", APART], capture_output=True, text=True, check=True).stdout.split()
    apart, afterwards = map(int, words)
    assert apart > 300, "of 320 MB freed"
    assert afterwards < 100, "the process goes on as it was: these are holes between what is kept"
