"""Letters with micro-batches of 16, eight of them to a step, warm-up and cosine decay."""
import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all

MICRO, ACCUMULATE, EPOCHS = 16, 8, 10


def tables():
    raw = np.genfromtxt(SAMPLES / "letter.csv", delimiter=",", skip_header=1, dtype=str, max_rows=8000)
    x, y = raw[:, 1:].astype(np.float32), np.array([ord(c) - 65 for c in raw[:, 0]])
    x = (x - x[:6400].mean(0)) / x[:6400].std(0)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return TensorDataset(x[:6400], y[:6400]), x[6400:], y[6400:]


class Gated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(width, width)

    def forward(self, x):
        value, gate = self.up(self.norm(x)).chunk(2, -1)
        return x + self.down(value * torch.sigmoid(gate))


seed_all()
train, x_val, y_val = tables()
loader = DataLoader(train, batch_size=MICRO, shuffle=True, drop_last=True)
net = nn.Sequential(nn.Linear(16, 64), Gated(64), Gated(64), nn.LayerNorm(64), nn.Linear(64, 26))
updates = EPOCHS * len(loader) // ACCUMULATE
optimizer = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9, weight_decay=1e-4)


def rate(step, warm=30):
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (updates - warm)))


schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
criterion = nn.CrossEntropyLoss()
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    optimizer.zero_grad()
    for k, (x, y) in enumerate(loader, 1):
        loss = criterion(net(x), y)
        (loss / ACCUMULATE).backward()
        total += loss.item()
        if k % ACCUMULATE == 0:
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    net.eval()
    with torch.no_grad():
        out = net(x_val)
    acc = (out.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch + 1:2d} lr {schedule.get_last_lr()[0]:.4f} train {total / len(loader):.4f} "
          f"val {criterion(out, y_val).item():.4f} acc {acc:.4f}")
print(f"final accuracy {acc:.4f}")
