"""Next day's hourly load from two days: GRU encoder and GRU decoder."""
import csv

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

PAST, AHEAD = 48, 24


def read_load():
    with open(SAMPLES / "electricity.csv") as file:
        return np.array([float(r["y"]) for r in csv.DictReader(file)], dtype=np.float32)


def make_windows(load, cut):
    mean, std = load[:cut].mean(), load[:cut].std()
    scaled = (load - mean) / std
    future = scaled if FIXED else load
    starts = range(0, len(load) - PAST - AHEAD, 2)
    x = np.stack([scaled[i:i + PAST] for i in starts])
    y = np.stack([future[i + PAST:i + PAST + AHEAD] for i in starts])
    is_train = np.array([i + PAST + AHEAD <= cut for i in starts])
    is_val = np.array([i >= cut for i in starts])
    return torch.from_numpy(x).unsqueeze(2), torch.from_numpy(y), is_train, is_val


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.encoder = nn.GRU(1, hidden, batch_first=True)
        self.hour = nn.Embedding(AHEAD, 8)
        self.decoder = nn.GRU(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, state = self.encoder(x)
        steps = self.hour.weight.unsqueeze(0).expand(len(x), -1, -1)
        decoded, _ = self.decoder(steps, state)
        return self.out(decoded).squeeze(2)


seed_all()
load = read_load()
x, y, is_train, is_val = make_windows(load, int(0.75 * len(load)))
x_train, y_train, x_val, y_val = x[is_train], y[is_train], x[is_val], y[is_val]
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
net = Forecaster()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(6):
    net.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        val_loss = criterion(net(x_val), y_val).item()
    r2 = 1 - val_loss / y_val.var(unbiased=False).item()
    print(f"epoch {epoch + 1}  train {total / len(x_train):.4f}  val {val_loss:.4f}  r2 {r2:.4f}")
print(f"final r2 {r2:.4f}")
