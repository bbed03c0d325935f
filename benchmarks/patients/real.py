"""The samples of this repository as data for small trainings: garments, letters, the hours of a grid, messages."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patients.material import Data

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
WORDS, LENGTH = 2000, 24


def read(name: str) -> list[list[str]]:
    """Return the rows of a table below its header."""
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def garments(train: int = 1500, valid: int = 500) -> Data:
    """Return grey images (N, 1, 14, 14) of ten kinds of clothes with values from 0 to 1, and the kind."""
    with np.load(SAMPLES / "fashion.npz") as arrays:
        x = torch.from_numpy(arrays["x_train"][: train + valid]).float()[:, None] / 255
        y = torch.from_numpy(arrays["y_train"][: train + valid]).long()
    x = F.avg_pool2d(x, 2)
    return x[:train], y[:train], x[train:], y[train:]


def letters(train: int = 3000, valid: int = 1000) -> Data:
    """Return sixteen measures of printed letters from 0 to 15, and the number of the letter."""
    rows = read("letter.csv")[: train + valid]
    x = torch.tensor([[float(value) for value in row[1:]] for row in rows])
    y = torch.tensor([ord(row[0]) - ord("A") for row in rows])
    return x[:train], y[:train], x[train:], y[train:]


def standard(data: Data) -> Data:
    """Return the data with columns (or pixels together) standardised on the training part."""
    x, y, x_valid, y_valid = data
    dims = (0,) if x.ndim == 2 else tuple(range(x.ndim))
    mean, std = x.mean(dims, keepdim=True), x.std(dims, keepdim=True)
    return (x - mean) / std, y, (x_valid - mean) / std, y_valid


def hours(steps: int = 24, every: int = 4) -> Data:
    """Return the load (N, T, 1) of a grid in the hours before, and in the next hour (N, 1), in megawatts."""
    load = torch.tensor([float(row[1]) for row in read("electricity.csv")])
    windows = load.unfold(0, steps + 1, every)
    x, y = windows[:, :-1, None].contiguous(), windows[:, -1:].contiguous()
    rows = int(0.75 * len(x))
    return x[:rows], y[:rows], x[rows + steps :], y[rows + steps :]


def standard_hours(steps: int = 24) -> Data:
    """Return the hours with loads in standard deviations from the mean."""
    x, y, x_valid, y_valid = hours(steps)
    mean, std = x.mean(), x.std()
    return (x - mean) / std, (y - mean) / std, (x_valid - mean) / std, (y_valid - mean) / std


def messages(spam: float = 1.0) -> Data:
    """Return word numbers (N, 24) of short messages and 1 for spam, (N, 1); a share of the spam to learn from."""
    rows = read("sms.csv")[:3000]
    x = torch.zeros(len(rows), LENGTH, dtype=torch.long)
    for n, (text, _) in enumerate(rows):
        for at, word in enumerate(text.lower().split()[:LENGTH]):
            x[n, at] = 1 + zlib.crc32(word.encode()) % (WORDS - 1)
    y = torch.tensor([float(label == "spam") for _, label in rows])[:, None]
    found = y[:2000, 0].nonzero()[:, 0]
    dropped = set(found[round(spam * len(found)) :].tolist())
    kept = torch.tensor([n for n in range(2000) if n not in dropped])
    return x[kept], y[kept], x[2000:], y[2000:]


def convolutions() -> nn.Sequential:
    """Return a small convolutional network for the garments: (N, 1, 14, 14) to (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, 10),
    )  # fmt: skip


class Bag(nn.Module):
    """The mean of word vectors, and two layers over it: (N, T) to (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 24, padding_idx=0)
        self.hidden, self.head = nn.Linear(24, 24), nn.Linear(24, 1)

    def forward(self, x_NT: Tensor) -> Tensor:
        """Return logits (N, 1)."""
        known = (x_NT > 0).sum(1, keepdim=True).clamp(min=1)
        logits: Tensor = self.head(torch.relu(self.hidden(self.words(x_NT).sum(1) / known)))
        return logits


class Forecast(nn.Module):
    """A recurrent layer over (N, T, D), read at its last step."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn, self.head = rnn, nn.Linear(rnn.hidden_size, 1)

    def forward(self, x_NTD: Tensor) -> Tensor:
        """Return the next value (N, 1)."""
        value: Tensor = self.head(self.rnn(x_NTD)[0][:, -1])
        return value
