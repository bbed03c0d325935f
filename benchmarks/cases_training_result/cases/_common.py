"""Helpers shared by the example trainings: where the data are, and seeding."""
import os
import random
from pathlib import Path

import numpy as np
import torch

BENCHMARKS = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CASE_SAMPLES") or BENCHMARKS.parent / "samples")
TABLES = BENCHMARKS / "cases_blind" / "data"
SEED = int(os.environ.get("CASE_SEED", "0"))
FIXED = os.environ.get("CASE_FIXED") == "1"


def seed_all():
    torch.set_num_threads(1)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)


def table(name):
    with np.load(TABLES / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays.files}
