"""Switches and folders shared by the trainings."""
import os
import random
from pathlib import Path

import numpy as np
import torch

FIXED = os.environ.get("CASE_FIXED") == "1"
SEED = int(os.environ.get("CASE_SEED", "0"))
BENCHMARKS = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CASE_SAMPLES") or BENCHMARKS.parent / "samples")
TABLES = BENCHMARKS / "cases_blind" / "data"


def seed_all():
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
