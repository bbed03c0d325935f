"""Shared by the trainings here: data, seeding, the last number, and whether the fault is taken out (CASE_FIXED=1)."""

import csv
import os
import random
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
FOUND = next((p / "samples" for p in HERE.parents if (p / "samples").is_dir()), "samples")
SAMPLES = Path(os.environ.get("CASE_SAMPLES") or FOUND)
FIXED = os.environ.get("CASE_FIXED") == "1"


def seed():
    """Seed every generator from CASE_SEED (or SEED) and return the number."""
    number = int(os.environ.get("CASE_SEED") or os.environ.get("SEED") or "0")
    torch.set_num_threads(1)
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    return number


def finish(name, value):
    """Print the number by which this training is judged."""
    print(f"final {name} {float(value):.4f}")


def table(name):
    """Return x and y of `wine`, `breast`, `diabetes` or `digits` (the last as images of 8 by 8, 0 to 16)."""
    with np.load(HERE.parent / "data" / f"{name}.npz") as data:
        return data["x"].copy(), data["y"].copy()


def fashion(n_train=2000, n_test=500):
    """Return images (N, 28, 28) uint8 and labels of training and test."""
    with np.load(SAMPLES / "fashion.npz") as data:
        return (
            data["x_train"][:n_train],
            data["y_train"][:n_train].astype(np.int64),
            data["x_test"][:n_test],
            data["y_test"][:n_test].astype(np.int64),
        )


def letters(n=6000):
    """Return features (N, 16) as they stand in the file, and class numbers."""
    with (SAMPLES / "letter.csv").open() as file:
        rows = list(csv.reader(file))[1 : n + 1]
    return (
        np.array([[float(v) for v in row[1:]] for row in rows], dtype=np.float32),
        np.array([ord(row[0]) - 65 for row in rows], dtype=np.int64),
    )


def load():
    """Return the hourly electricity load (8760,) in its own unit."""
    with (SAMPLES / "electricity.csv").open() as file:
        return np.array([float(row[1]) for row in list(csv.reader(file))[1:]], dtype=np.float32)


def sms():
    """Return the messages as strings, and 1 for spam."""
    with (SAMPLES / "sms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], np.array([int(row["label"] == "spam") for row in rows])


def emma(n=200_000):
    """Return the beginning of the novel as one string."""
    return (SAMPLES / "emma.txt").read_text()[:n]


def r2(prediction, target):
    """Return the share of the target's variance that is explained."""
    return 1 - ((prediction - target) ** 2).mean() / target.var(correction=0)


def balanced_accuracy(guess, truth):
    """Return the mean over classes of the share that is found."""
    return torch.stack([(guess[truth == k] == k).float().mean() for k in truth.unique()]).mean()
