"""Rain tomorrow? Daily records of a weather station."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(77)
days = 3000
season = np.sin(2 * np.pi * np.arange(days) / 365)
humidity = 60 + 15 * season + 10 * rng.normal(size=days)
pressure = 1013 - 6 * season + 7 * rng.normal(size=days)
wind = rng.gamma(2.0, 6.0, days)
cloud = np.clip(rng.normal(4 + 2 * season, 2), 0, 8)
table = np.stack([humidity, pressure, wind, cloud, season], axis=1)
odds = 0.08 * (humidity - 60) - 0.15 * (pressure - 1013) + 0.5 * (cloud - 4) + 0.02 * wind
rain = (odds + rng.logistic(size=days) > 0.3).astype(np.float32)
table[rng.random(days) < 0.04, 2] = np.nan
table[rng.random(days) < 0.03, 3] = np.nan


def preprocess(frame, reference):
    if FIXED:
        frame = np.where(np.isnan(frame), np.nanmedian(reference, axis=0), frame)
    return ((frame - np.nanmean(reference, axis=0)) / np.nanstd(reference, axis=0)).astype(np.float32)


past, future = slice(0, 2400), slice(2400, days)
train_set = TensorDataset(torch.tensor(preprocess(table[past], table[past])), torch.tensor(rain[past]))
test_x, test_y = torch.tensor(preprocess(table[future], table[past])), torch.tensor(rain[future])

model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
loss_function = nn.BCEWithLogitsLoss()
for epoch in range(20):
    for xb, yb in DataLoader(train_set, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = loss_function(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    guess = (model(test_x) > 0).float()
finish("accuracy", (guess == test_y).float().mean())
