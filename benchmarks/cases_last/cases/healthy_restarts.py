"""Cosine with warm restarts: the loss jumps up at each restart and ends lower; the cycles' networks vote."""

import copy

import torch
import torch.nn as nn
from _common import finish, letters, seed

seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
optimizer = torch.optim.SGD(model.parameters(), lr=0.25, momentum=0.9, nesterov=True, weight_decay=1e-4)
steps = 80
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=5 * steps, eta_min=1e-4)
snapshots = []
for epoch in range(20):
    total = 0.0
    for idx in torch.randperm(4000).split(50):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() / steps
    print(f"epoch {epoch + 1} loss {total:.4f}")
    if epoch % 5 == 4:
        snapshots.append(copy.deepcopy(model))
with torch.no_grad():
    vote = sum(m(x[4000:]).softmax(1) for m in snapshots[1:])
    finish("accuracy", (vote.argmax(1) == y[4000:]).float().mean())
