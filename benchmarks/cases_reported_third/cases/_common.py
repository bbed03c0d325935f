"""Shared helpers of these cases."""
import sys
from pathlib import Path

import numpy as np

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


def nuclei():
    from PIL import Image

    folder = SAMPLES / "nuclei"
    images = [np.array(Image.open(p), dtype=np.uint8) for p in sorted(folder.glob("image-*.png"))]
    masks = [(np.array(Image.open(p)) > 0).astype(np.uint8) * 255 for p in sorted(folder.glob("mask-*.png"))]
    return np.stack(images), np.stack(masks)


def emma():
    return (SAMPLES / "emma.txt").read_text(encoding="utf-8", errors="ignore")


def verses():
    lines = (SAMPLES / "bible-en-es.tsv").read_text(encoding="utf-8", errors="ignore").splitlines()[1:]
    return [line.split("\t")[0] for line in lines]
