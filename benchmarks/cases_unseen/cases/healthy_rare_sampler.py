"""Rare faults of a pump: sampler that draws the classes equally, focal loss, threshold chosen on validation."""

import numpy as np
import torch
import torch.nn as nn
from _common import finish, seed
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

seed()
rng = np.random.default_rng(71)
n = 5000
fault = rng.random(n) < 0.06
t = np.arange(64)
phase = rng.uniform(0, 2 * np.pi, n)
waves = np.sin(2 * np.pi * 3 * t / 64 + phase[:, None]) + 0.5 * rng.normal(size=(n, 64))
waves[fault] += 0.55 * np.sin(2 * np.pi * 11 * t / 64 + rng.uniform(0, 6.28, (fault.sum(), 1)))
x, y = torch.tensor(waves, dtype=torch.float32).unsqueeze(1), torch.tensor(fault.astype(np.float32))
tr, va, te = slice(0, 3000), slice(3000, 4000), slice(4000, n)


class FocalLoss(nn.Module):
    def __init__(self, gamma=1.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        bce = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return ((1 - torch.exp(-bce)) ** self.gamma * bce).mean()


weights = torch.where(y[tr] == 1, 1 / y[tr].mean(), 1 / (1 - y[tr].mean()))
loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=50, sampler=WeightedRandomSampler(weights, 3000))
net = nn.Sequential(
    nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 9, padding=4),
    nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(32, 1), nn.Flatten(0),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
criterion = FocalLoss()


def f1(scores, truth, threshold):
    guess = scores > threshold
    tp = (guess & (truth == 1)).sum().item()
    return 2 * tp / max(1, guess.sum().item() + (truth == 1).sum().item())


for epoch in range(6):
    net.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        scores = net(x[va])
    threshold = max(np.linspace(-2, 4, 25), key=lambda th: f1(scores, y[va], th))
    print(f"epoch {epoch}: loss {loss.item():.4f} validation F1 {f1(scores, y[va], threshold):.3f} at {threshold:.2f}")
with torch.no_grad():
    finish("f1", f1(net(x[te]), y[te], threshold))
