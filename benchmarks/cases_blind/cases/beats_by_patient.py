"""Recordings of forty patients, cut into beats: ill or well?"""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed

PATIENTS, EACH, LENGTH = 40, 30, 60

number = seed()
rng = np.random.default_rng(number)
t = np.linspace(0, 1, LENGTH)
beats, ill, patient = [], [], []
for p in range(PATIENTS):
    shape = sum(rng.normal() / k * np.sin(2 * np.pi * k * t + rng.uniform(0, 6.3)) for k in range(1, 7))
    sick = p % 2
    for _ in range(EACH):
        beat = np.roll(shape, rng.integers(-2, 3)) + 0.25 * rng.normal(size=LENGTH)
        beats.append(beat + 0.25 * sick * np.exp(-(((t - 0.7) / 0.05) ** 2)))
        ill.append(sick)
        patient.append(p)
X = torch.tensor(np.array(beats), dtype=torch.float32)[:, None]
Y, P = torch.tensor(ill), torch.tensor(patient)

if FIXED:
    held = torch.isin(P, torch.randperm(PATIENTS)[:12])
else:
    held = torch.rand(len(X)) < 0.3
X_tr, Y_tr, X_va, Y_va = X[~held], Y[~held], X[held], Y[held]

net = nn.Sequential(
    nn.Conv1d(1, 16, 7, stride=2, padding=3), nn.BatchNorm1d(16), nn.ReLU(),
    nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.BatchNorm1d(32), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 15, 2),
)  # fmt: skip
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(15):
    net.train()
    for b in torch.randperm(len(X_tr)).split(32):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(X_tr[b]), Y_tr[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        val = (net(X_va).argmax(1) == Y_va).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val acc {val:.3f}")
finish("accuracy", val)
