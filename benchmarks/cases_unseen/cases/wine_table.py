"""Three cultivars from chemical measurements, read from an exported table."""

import csv
import io

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn

seed()


def exported_table(rng, per_class, start=0):
    """Return the text of an exported data frame."""
    centres = np.random.default_rng(1).normal(size=(3, 10)) * 0.45
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["", *[f"m{i}" for i in range(10)], "cultivar"])
    number = start
    for c in range(3):
        for _ in range(per_class):
            writer.writerow([number, *(f"{v:.3f}" for v in centres[c] + rng.normal(size=10)), c])
            number += 1
    return out.getvalue()


def read(text):
    rows = list(csv.reader(io.StringIO(text)))[1:]
    first = 1 if FIXED else 0
    return (
        torch.tensor([[float(v) for v in row[first:-1]] for row in rows]),
        torch.tensor([int(row[-1]) for row in rows]),
    )


x, y = read(exported_table(np.random.default_rng(2), 300))
x_new, y_new = read(exported_table(np.random.default_rng(3), 100))
perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
x_train, y_train, x_val, y_val = x[perm[:700]], y[perm[:700]], x[perm[700:]], y[perm[700:]]
mean, std = x_train.mean(0), x_train.std(0)

clf = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(clf.parameters(), lr=0.005, weight_decay=1e-3)
for epoch in range(40):
    clf.train()
    for i in torch.randperm(700).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(clf((x_train[i] - mean) / std), y_train[i])
        loss.backward()
        optimizer.step()
    clf.eval()
    with torch.no_grad():
        val = (clf((x_val - mean) / std).argmax(1) == y_val).float().mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {loss.item():.3f} val acc {val:.3f}")
with torch.no_grad():
    finish("accuracy_on_new_table", (clf((x_new - mean) / std).argmax(1) == y_new).float().mean())
