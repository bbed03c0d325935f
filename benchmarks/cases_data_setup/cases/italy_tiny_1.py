"""Sixty-seven labelled days: a small network held down by dropout, jitter and weight decay."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from _common import SAMPLES, seed_all


def read_ts(name):
    lines = (SAMPLES / name).read_text().split("@data")[1].split()
    rows = [line.rsplit(":", 1) for line in lines]
    x = np.array([[float(v) for v in r[0].split(",")] for r in rows], dtype=np.float32)
    return torch.from_numpy(x), torch.tensor([float(r[1]) - 1 for r in rows])


def jitter(x):
    scale = 1 + 0.1 * torch.randn(len(x), 1)
    return x * scale + 0.15 * torch.randn_like(x)


seed_all()
x_train, y_train = read_ts("ItalyPowerDemand_TRAIN.ts")
x_test, y_test = read_ts("ItalyPowerDemand_TEST.ts")
net = nn.Sequential(nn.Linear(24, 12), nn.Tanh(), nn.Dropout(0.4), nn.Linear(12, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=0.5)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)

for epoch in range(120):
    net.train()
    losses = []
    for idx in torch.randperm(len(x_train)).split(17):
        loss = F.binary_cross_entropy_with_logits(net(jitter(x_train[idx])).squeeze(1), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    schedule.step()
    if (epoch + 1) % 10 == 0:
        net.eval()
        with torch.no_grad():
            out = net(x_test).squeeze(1)
        test_loss = F.binary_cross_entropy_with_logits(out, y_test).item()
        accuracy = ((out > 0) == (y_test > 0)).float().mean().item()
        print(f"epoch {epoch + 1:3d} train {np.mean(losses):.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
print(f"final accuracy {accuracy:.4f}")
