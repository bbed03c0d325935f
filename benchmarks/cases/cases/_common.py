"""Shared by the trainings here: data, seeding, and whether the fault is taken out (CASE_FIXED=1)."""
import csv
import os
import random
from pathlib import Path

import numpy as np
import torch

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
FIXED = os.environ.get("CASE_FIXED") == "1"


def seed():
    """Seed every generator from SEED."""
    number = int(os.environ.get("SEED", "0"))
    torch.set_num_threads(1)
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def fashion(n_train=2000, n_test=500):
    """Return images (N, 28, 28) uint8 and labels, of training and test."""
    with np.load(SAMPLES / "fashion.npz") as data:
        return (data["x_train"][:n_train], data["y_train"][:n_train].astype(np.int64),
                data["x_test"][:n_test], data["y_test"][:n_test].astype(np.int64))


def fashion_tensors(n_train=2000, n_test=500):
    """Return standardised image tensors (N, 1, 28, 28) and labels."""
    x, y, xt, yt = fashion(n_train, n_test)
    scale = lambda a: (torch.tensor(a)[:, None].float() / 255 - 0.286) / 0.353
    return scale(x), torch.tensor(y), scale(xt), torch.tensor(yt)


def letters(n=6000):
    """Return features (N, 16) as they stand in the file, and class numbers."""
    with open(SAMPLES / "letter.csv") as file:
        rows = list(csv.reader(file))[1:n + 1]
    return (np.array([[float(v) for v in row[1:]] for row in rows], dtype=np.float32),
            np.array([ord(row[0]) - 65 for row in rows], dtype=np.int64))


def letters_split(n=6000):
    """Return standardised tensors of three quarters and one quarter of the rows."""
    x, y = letters(n)
    cut = n * 3 // 4
    mean, std = x[:cut].mean(0), x[:cut].std(0)
    x = torch.tensor((x - mean) / std)
    y = torch.tensor(y)
    return x[:cut], y[:cut], x[cut:], y[cut:]


def load():
    """Return the hourly electricity load (8760,) in its own unit."""
    with open(SAMPLES / "electricity.csv") as file:
        return np.array([float(row[1]) for row in list(csv.reader(file))[1:]], dtype=np.float32)


def windows(series, width=24, horizon=1):
    """Return (N, width, 1) windows and the value `horizon` later."""
    x = np.stack([series[i:i + width] for i in range(len(series) - width - horizon + 1)])
    return torch.tensor(x)[..., None], torch.tensor(series[width + horizon - 1:])


def gunpoint():
    """Return series (N, 150) and labels 0/1 of training and test."""
    out = []
    for part in ("TRAIN", "TEST"):
        lines = (SAMPLES / f"GunPoint_{part}.ts").read_text().split("@data")[1].strip().splitlines()
        pairs = [line.rsplit(":", 1) for line in lines]
        out.append(torch.tensor([[float(v) for v in p[0].split(",")] for p in pairs]))
        out.append(torch.tensor([int(p[1]) - 1 for p in pairs]))
    return out


def sms(length=24, words=2000):
    """Return token numbers (N, length), labels, and the size of the vocabulary; 0 pads, 1 is unknown."""
    with open(SAMPLES / "sms.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"].lower().split() for row in rows]
    count = {}
    for text in texts:
        for word in text:
            count[word] = count.get(word, 0) + 1
    vocabulary = {w: i + 2 for i, w in enumerate(sorted(count, key=count.get, reverse=True)[:words])}
    x = torch.zeros(len(rows), length, dtype=torch.long)
    for i, text in enumerate(texts):
        for j, word in enumerate(text[:length]):
            x[i, j] = vocabulary.get(word, 1)
    return x, torch.tensor([row["label"] == "spam" for row in rows]).long(), words + 2


def emma(n=200_000):
    """Return characters of the novel as numbers, and how many kinds there are."""
    text = (SAMPLES / "emma.txt").read_text()[:n]
    kinds = sorted(set(text))
    index = {c: i for i, c in enumerate(kinds)}
    return torch.tensor([index[c] for c in text]), len(kinds)


def accuracy(model, x, y):
    """Return the share of right predictions in evaluation mode."""
    was = model.training
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    model.train(was)
    return right
