"""Autocast to bfloat16 on the processor and gradients of four micro-batches before each step."""

import contextlib

import torch
import torch.nn as nn
from _common import fashion, finish, seed

ACCUMULATE, MICRO = 4, 16


def loader(x, y, shuffle):
    order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
    for idx in order.split(MICRO):
        yield x[idx], y[idx]


def autocast(enabled=True):
    return torch.autocast("cpu", dtype=torch.bfloat16) if enabled else contextlib.nullcontext()


def main():
    seed()
    a, b, c, d = fashion(1600, 400)
    x, xv = ((torch.tensor(v).float()[:, None] / 255 - 0.286) / 0.353 for v in (a, c))
    y, yv = torch.tensor(b), torch.tensor(d)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.GroupNorm(4, 16), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GroupNorm(4, 32), nn.SiLU(),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(5):
        net.train()
        optimizer.zero_grad()
        for i, (xb, yb) in enumerate(loader(x, y, True)):
            with autocast():
                loss = nn.functional.cross_entropy(net(xb), yb) / ACCUMULATE
            loss.backward()
            if (i + 1) % ACCUMULATE == 0:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
        net.eval()
        with torch.no_grad(), autocast():
            hits = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in loader(xv, yv, False))
        print(f"epoch {epoch} loss {loss.item() * ACCUMULATE:.4f} accuracy {hits / len(yv):.4f}")
    finish("accuracy", hits / len(yv))


main()
