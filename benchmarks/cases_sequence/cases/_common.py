"""Shared by the scripts: the data folder, the seed and the switch."""
import os
import random
from pathlib import Path

import numpy as np
import torch

FIXED = os.environ.get("CASE_FIXED") == "1"
SEED = int(os.environ.get("CASE_SEED", "0"))
SAMPLES = os.environ.get("CASE_SAMPLES") or str(Path(__file__).resolve().parents[3] / "samples")


def seed_all():
    torch.set_num_threads(1)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
