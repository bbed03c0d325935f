"""Letters with a small attention over the sixteen features."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed


def train_test_split(x, y, test_size, rng):
    order = rng.permutation(len(x))
    n = int(len(x) * test_size)
    return x[order[n:]], x[order[:n]], y[order[n:]], y[order[:n]]


class FeatureTokens(nn.Module):
    def __init__(self, d=24):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, d) * 0.3)
        self.bias = nn.Parameter(torch.randn(16, d) * 0.3)
        self.att = nn.MultiheadAttention(d, 4, batch_first=True)
        self.ff = nn.Sequential(nn.LayerNorm(16 * d), nn.Linear(16 * d, 96), nn.GELU(), nn.Linear(96, 26))

    def forward(self, x):
        h = x[..., None] * self.weight + self.bias
        h = h + self.att(h, h, h, need_weights=False)[0]
        return self.ff(h.flatten(1))


rng = np.random.default_rng(seed())
x, y = letters(5000)
x = (x - x.mean(0)) / x.std(0)
if FIXED:
    X_train, X_test, y_train, y_test = train_test_split(x, y, 0.2, rng)
else:
    X_test, X_train, y_test, y_train = train_test_split(x, y, 0.05, rng)
X_train, X_test, y_train, y_test = map(torch.tensor, (X_train, X_test, y_train, y_test))
model = FeatureTokens()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6 if FIXED else 60):
    model.train()
    for b in torch.randperm(len(X_train)).split(32):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(X_train[b]), y_train[b])
        loss.backward()
        opt.step()
    if epoch % 6 == 0:
        print("epoch", epoch, "loss", loss.item())
model.eval()
with torch.no_grad():
    finish("accuracy", torch.cat([(model(c).argmax(1) == t) for c, t in zip(X_test.split(500), y_test.split(500))]).float().mean())
