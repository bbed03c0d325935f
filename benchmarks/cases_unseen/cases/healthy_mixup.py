"""Mixup, label smoothing, one-cycle schedule and an average of the weights."""

import copy

import numpy as np
import torch
import torch.nn as nn
from _common import fashion, finish, seed

seed()
a, b, c, d = fashion(2500, 500)
x, xv = ((torch.tensor(v).float()[:, None] / 255 - 0.286) / 0.353 for v in (a, c))
y, yv = torch.tensor(b), torch.tensor(d)
net = nn.Sequential(
    nn.Conv2d(1, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 49, 10),
)  # fmt: skip
average = copy.deepcopy(net).requires_grad_(False)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=8 * 50)
for epoch in range(8):
    net.train()
    for idx in torch.randperm(len(x)).split(50):
        lam = float(np.random.beta(0.4, 0.4))
        other = idx[torch.randperm(len(idx))]
        out = net(lam * x[idx] + (1 - lam) * x[other])
        loss = lam * nn.functional.cross_entropy(out, y[idx], label_smoothing=0.1)
        loss = loss + (1 - lam) * nn.functional.cross_entropy(out, y[other], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for p, q in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
                p.copy_(0.98 * p + 0.02 * q if p.is_floating_point() else q)
    average.eval()
    with torch.no_grad():
        acc = (average(xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} averaged accuracy {acc:.3f}")
finish("accuracy", acc)
