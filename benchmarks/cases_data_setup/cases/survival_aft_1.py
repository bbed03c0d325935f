"""Length of hospital stay with censoring: a log-normal accelerated failure time network."""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all


def cohort(n=2400, features=12):
    rng = np.random.default_rng(17)
    x = rng.normal(size=(n, features)).astype(np.float32)
    mu = 1.6 + 0.6 * x[:, 0] - 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.4 * np.abs(x[:, 3])
    stay = np.floor(np.exp(mu + 0.6 * rng.normal(size=n)))
    limit = rng.uniform(2, 60, n).round()
    event = stay <= limit
    days = np.minimum(stay, limit)
    return x, days.astype(np.float32), event.astype(np.float32)


def prepare(days):
    floor = 0.5 if FIXED else 0.0
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(days, floor))


class AFTLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def forward(self, mu, log_t, event):
        z = (log_t - mu) / self.log_sigma.exp()
        log_pdf = -0.5 * z ** 2 - self.log_sigma - 0.5 * math.log(2 * math.pi)
        log_surv = torch.special.log_ndtr(-z)
        return -(event * log_pdf + (1 - event) * log_surv).mean()


def concordance(mu, days, event):
    earlier = (days[:, None] < days[None, :]) & (event[:, None] > 0)
    right = (mu[:, None] < mu[None, :]) & earlier
    return (right.sum() / earlier.sum()).item()


seed_all()
x, days, event = cohort()
log_t = prepare(days)
tensors = [torch.from_numpy(a) for a in (x, log_t.astype(np.float32), event, days)]
train, val = [t[:1800] for t in tensors], [t[1800:] for t in tensors]
loader = DataLoader(TensorDataset(*train[:3]), batch_size=64, shuffle=True)

net = nn.Sequential(nn.Linear(12, 32), nn.SiLU(), nn.Dropout(0.1), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
criterion = AFTLoss()
optimizer = torch.optim.AdamW(list(net.parameters()) + list(criterion.parameters()), lr=3e-3, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

for epoch in range(20):
    net.train()
    losses = []
    for xb, tb, eb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb).squeeze(1), tb, eb)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        mu = net(val[0]).squeeze(1)
        val_loss = criterion(mu, val[1], val[2]).item()
    c_index = concordance(mu, val[3], val[2])
    print(f"epoch {epoch + 1:2d}  train {np.mean(losses):.4f}  val {val_loss:.4f}  c-index {c_index:.4f}")
print(f"final c_index {c_index:.4f}")
