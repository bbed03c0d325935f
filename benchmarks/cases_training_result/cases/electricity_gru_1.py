"""Day-ahead load: a GRU encoder reads three days, a linear head gives the next 24 hours."""
import csv
from datetime import datetime

import torch
from torch import nn

from _common import FIXED, SAMPLES, seed_all

PAST, FUTURE = 72, 24
EPOCHS, BATCH = 8, 64


def load():
    with open(SAMPLES / "electricity.csv") as f:
        rows = list(csv.DictReader(f))
    when = [datetime.fromisoformat(r["ts"]) for r in rows]
    y = torch.tensor([float(r["y"]) for r in rows])
    weekend = torch.tensor([float(t.weekday() >= 5) for t in when])
    cut = 6500
    y = (y - y[:cut].mean()) / y[:cut].std()
    starts = torch.arange(0, len(y) - PAST - FUTURE, 3)
    x = torch.stack([torch.stack([y[s:s + PAST], weekend[s:s + PAST]], 1) for s in starts])
    t = torch.stack([y[s + PAST:s + PAST + FUTURE] for s in starts])
    train = starts + PAST + FUTURE <= cut
    valid = starts >= cut
    return x[train], t[train], x[valid], t[valid]


class DayAhead(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, FUTURE))

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1])


seed_all()
xt, yt, xv, yv = load()
net = DayAhead()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
steps = -(-len(xt) // BATCH)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85 ** (1 / steps) if FIXED else 0.85)

for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(xt)).split(BATCH):
        loss = nn.functional.l1_loss(net(xt[idx]), yt[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        out = net(xv)
        val = nn.functional.l1_loss(out, yv).item()
        r2 = 1 - ((out - yv) ** 2).mean().item() / yv.var(unbiased=False).item()
    print(f"epoch {epoch + 1}/{EPOCHS}  train mae {total / steps:.4f}  val mae {val:.4f}  r2 {r2:.4f}")

print(f"final r2 {r2:.4f}")
