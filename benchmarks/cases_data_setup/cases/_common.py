"""Paths and seeding shared by the programs of this folder."""
import os
import random
from pathlib import Path

import numpy as np
import torch

SEED = int(os.environ.get("CASE_SEED", "0"))
FIXED = os.environ.get("CASE_FIXED") == "1"
BENCHMARKS = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CASE_SAMPLES") or BENCHMARKS.parent / "samples")
TABLES = BENCHMARKS / "cases_blind" / "data"


def seed_all():
    """Seed every generator and use one thread."""
    torch.set_num_threads(1)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
