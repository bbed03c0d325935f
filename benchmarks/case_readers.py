"""What the trainings of several sets of cases share: where the data lie, seeding, small readers."""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

import numpy as np
import torch

BENCHMARKS = Path(__file__).resolve().parent
SAMPLES = Path(os.environ.get("CASE_SAMPLES") or BENCHMARKS.parent / "samples")
TABLES = BENCHMARKS / "cases_blind" / "data"
SEED = int(os.environ.get("CASE_SEED", "0"))
FIXED = os.environ.get("CASE_FIXED") == "1"


def seed_all():
    torch.set_num_threads(1)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)


def npz(path):
    with np.load(path) as d:
        return {k: d[k] for k in d.files}


def fashion():
    return npz(SAMPLES / "fashion.npz")


def table(name):
    return npz(TABLES / f"{name}.npz")


def letters():
    with (SAMPLES / "letter.csv").open(encoding="utf-8") as f:
        rows = list(csv.reader(f))[1:]
    y = np.array([ord(r[0]) - 65 for r in rows])
    x = np.array([[float(v) for v in r[1:]] for r in rows], dtype=np.float32)
    keep = np.sort(np.unique(x, axis=0, return_index=True)[1])
    return x[keep], y[keep]


def load_curve():
    with (SAMPLES / "electricity.csv").open(encoding="utf-8") as f:
        return np.array([float(r[1]) for r in list(csv.reader(f))[1:]], dtype=np.float32)


def sms():
    with (SAMPLES / "sms.csv").open(encoding="utf-8") as f:
        rows = list(csv.reader(f))[1:]
    return [r[0] for r in rows], np.array([int(r[1] == "spam") for r in rows])


def series(name, part):
    xs, ys = [], []
    for line in (SAMPLES / f"{name}_{part}.ts").read_text().splitlines():
        if not line or line[0] in "@#":
            continue
        values, label = line.rsplit(":", 1)
        xs.append([float(v) for v in values.split(",")])
        ys.append(int(float(label)))
    return np.array(xs, dtype=np.float32), np.array(ys)
