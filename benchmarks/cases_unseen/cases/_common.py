"""Shared by the trainings here: samples, seeding, the last number, and whether the fault is taken out (CASE_FIXED=1)."""

import csv
import os
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
FIXED = os.environ.get("CASE_FIXED") == "1"


def seed():
    """Seed every generator from SEED and return the number."""
    number = int(os.environ.get("SEED", "0"))
    torch.set_num_threads(1)
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    return number


def finish(name, value):
    """Print the number by which this training is judged."""
    print(f"final {name} {float(value):.4f}")


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


def series(name, part):
    """Return the curves (N, T) and labels 0/1 of `GunPoint` or `ItalyPowerDemand`, `TRAIN` or `TEST`."""
    lines = (SAMPLES / f"{name}_{part}.ts").read_text().split("@data")[1].strip().splitlines()
    pairs = [line.rsplit(":", 1) for line in lines]
    x = np.array([[float(v) for v in curve.split(",")] for curve, _ in pairs], dtype=np.float32)
    return x, np.array([int(label) - 1 for _, label in pairs], dtype=np.int64)


def sms():
    """Return the messages as lists of lower-case words, and 1 for spam."""
    with (SAMPLES / "sms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"].lower().split() for row in rows], np.array([int(row["label"] == "spam") for row in rows])


def emma(n=200_000):
    """Return the beginning of the novel as one string."""
    return (SAMPLES / "emma.txt").read_text()[:n]


def verses(n=2000):
    """Return pairs of English and Spanish verses."""
    lines = (SAMPLES / "bible-en-es.tsv").read_text().splitlines()[1 : n + 1]
    return [tuple(line.split("\t")) for line in lines]


def nuclei():
    """Return the tiles (16, 128, 128) and their masks, both uint8; a mask holds one number for each nucleus."""
    read = [
        np.stack([np.asarray(Image.open(SAMPLES / "nuclei" / f"{kind}-{i:02}.png")) for i in range(16)])
        for kind in ("image", "mask")
    ]
    return read[0], read[1]


def r2(prediction, target):
    """Return the share of the target's variance that is explained."""
    return 1 - ((prediction - target) ** 2).mean() / target.var(correction=0)
