"""An LSTM looks for leaks in the sensor curves of a boiler."""

import numpy as np
import torch
import torch.nn.functional as F
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
rng = np.random.default_rng(3)


def simulate(n):
    """Return pressure in Pa, temperature in K, flow in m3/s and valve position over 40 minutes."""
    leak = rng.integers(0, 2, n)
    t = np.arange(40)
    demand = np.cumsum(rng.normal(0, 0.3, (n, 40)), 1)
    drop = leak[:, None] * np.clip(t - rng.integers(8, 25, n)[:, None], 0, None)
    pressure = 612_000 + 9_000 * demand - 900 * drop + rng.normal(0, 4_000, (n, 40))
    temperature = 418 + 2.5 * demand + rng.normal(0, 1, (n, 40))
    flow = 0.031 + 0.002 * demand + 0.0001 * drop + rng.normal(0, 0.0008, (n, 40))
    valve = 0.5 + 0.05 * np.tanh(demand) + rng.normal(0, 0.01, (n, 40))
    return np.stack([pressure, temperature, flow, valve], -1).astype("float32"), leak.astype("float32")


x, y = simulate(1200)
xv, yv = simulate(400)
if FIXED:
    mu, sd = x.mean((0, 1)), x.std((0, 1))
    x, xv = (x - mu) / sd, (xv - mu) / sd

train_loader = DataLoader(TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(torch.tensor(xv), torch.tensor(yv)), batch_size=100)


class LeakNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 32, num_layers=1, batch_first=True)
        self.fc = nn.Linear(32, 1)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.fc(h[-1]).squeeze(-1)


def run_epoch(net, loader, opt=None):
    net.train(opt is not None)
    total, right, count = 0.0, 0, 0
    with torch.set_grad_enabled(opt is not None):
        for xb, yb in loader:
            out = net(xb)
            loss = F.binary_cross_entropy_with_logits(out, yb)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            total += loss.item() * len(xb)
            right += ((out > 0).float() == yb).sum().item()
            count += len(xb)
    return total / count, right / count


net = LeakNet()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(20):
    train = run_epoch(net, train_loader, opt)
    val = run_epoch(net, val_loader)
    print("epoch %d train %.3f/%.3f val %.3f/%.3f" % (epoch, *train, *val))
finish("accuracy", val[1])
