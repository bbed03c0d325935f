"""Shared helpers of these cases."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from case_readers import (  # noqa: E402, F401
    BENCHMARKS,
    FIXED,
    SAMPLES,
    SEED,
    TABLES,
    fashion,
    letters,
    load_curve,
    npz,
    seed_all,
    series,
    sms,
    table,
)
