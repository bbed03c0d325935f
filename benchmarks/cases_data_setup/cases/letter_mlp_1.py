"""Letter recognition from sixteen image statistics."""
import csv

import numpy as np
import torch
import torch.nn as nn

from _common import FIXED, SAMPLES, seed_all

seed_all()

with open(SAMPLES / "letter.csv") as file:
    rows = list(csv.reader(file))[1:]
labels = np.array([ord(r[0]) - ord("A") for r in rows])
stats = np.array([[int(float(v)) for v in r[1:]] for r in rows])

# box and moment columns are counts, edge columns are grades of 0..15
boxes = stats[:, :7].astype(np.float32)
boxes = (boxes - boxes[:8000].mean(0)) / boxes[:8000].std(0)
grades = stats[:, 7:] / 16 if FIXED else stats[:, 7:] // 16
grades = 4.0 * (grades - grades[:8000].mean(0))
features = torch.from_numpy(np.concatenate([boxes, grades], 1).astype(np.float32))
target = torch.from_numpy(labels)

train, val = slice(0, 8000), slice(8000, 10000)
x_train, y_train, x_val, y_val = features[train], target[train], features[val], target[val]

model = nn.Sequential(
    nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 26),
)
opt = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
ce = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    perm = torch.randperm(len(x_train))
    running = 0.0
    for idx in perm.split(128):
        opt.zero_grad()
        loss = ce(model(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        logits = model(x_val)
        val_loss = ce(logits, y_val).item()
        acc = (logits.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch + 1}: train loss {running / len(x_train):.4f}, val loss {val_loss:.4f}, val acc {acc:.4f}")

print(f"final accuracy {acc:.4f}")
