"""Is the room occupied? Sensor log of an office building, multilayer perceptron in plain PyTorch."""

import csv
import io

import numpy as np
import torch
from _common import FIXED, finish, seed

seed()


def write_log(n=3000):
    """Return the log as the building's software exports it."""
    rng = np.random.default_rng(5)
    occupied = rng.random(n) < 0.45
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["temperature", "co2_fraction", "light", "humidity_ratio", "occupied"])
    for busy in occupied:
        writer.writerow([
            f"{20.5 + 0.6 * busy + rng.normal(0, 0.9):.2f}",
            f"{np.clip(0.3 + 0.25 * busy + rng.normal(0, 0.13), 0, 0.99):.4f}",
            f"{max(0, 120 + 90 * busy + rng.normal(0, 120)):.1f}",
            f"{0.0038 + 0.0003 * busy + rng.normal(0, 0.0006):.5f}",
            int(busy),
        ])  # fmt: skip
    out.seek(0)
    return out


def parse(file):
    xs, ys = [], []
    for row in csv.DictReader(file):
        co2 = float(row["co2_fraction"])
        xs.append([float(row["temperature"]), co2 if FIXED else int(co2), float(row["light"]), float(row["humidity_ratio"])])
        ys.append(int(row["occupied"]))
    return np.array(xs, dtype=np.float32), np.array(ys, dtype=np.float32)


x, y = parse(write_log())
lo, hi = x[:2200].min(0), x[:2200].max(0)
x = 2 * (x - lo) / np.maximum(hi - lo, 1e-8) - 1
x, y = torch.from_numpy(x), torch.from_numpy(y)

w = [torch.nn.Linear(4, 24), torch.nn.Linear(24, 1)]
params = [p for layer in w for p in layer.parameters()]
optim = torch.optim.Adam(params, lr=0.005)


def predict(batch):
    return torch.sigmoid(w[1](torch.relu(w[0](batch))))[:, 0]


for epoch in range(40):
    for rows in torch.randperm(2200).split(55):
        loss = torch.nn.functional.binary_cross_entropy(predict(x[rows]), y[rows])
        optim.zero_grad()
        loss.backward()
        optim.step()
    if epoch % 10 == 0:
        print(epoch, loss.item())
with torch.no_grad():
    finish("accuracy", ((predict(x[2200:]) > 0.5) == y[2200:].bool()).float().mean())
