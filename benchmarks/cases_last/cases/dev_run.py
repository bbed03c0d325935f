"""Letters, a training function with the flags of a first try still in it."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.utils.data import DataLoader, TensorDataset


def run_epoch(model, loader, optimizer=None, fast=False):
    """Return the mean loss and accuracy of one pass."""
    total, right, rows = 0.0, 0, 0
    model.train(optimizer is not None)
    for i, (x, y) in enumerate(loader):
        with torch.set_grad_enabled(optimizer is not None):
            out = model(x)
            loss = nn.functional.cross_entropy(out, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total, right, rows = total + loss.item() * len(y), right + (out.argmax(1) == y).sum().item(), rows + len(y)
        if fast and i >= 2:
            break
    return total / rows, right / rows


def main(fast_dev_run=not FIXED):
    seed()
    x, y = letters(5000)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
    train = DataLoader(TensorDataset(x[:4000], y[:4000]), batch_size=64, shuffle=True)
    valid = DataLoader(TensorDataset(x[4000:], y[4000:]), batch_size=500)
    model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(15):
        loss, _ = run_epoch(model, train, optimizer, fast=fast_dev_run)
        valid_loss, accuracy = run_epoch(model, valid)
        print(f"epoch {epoch + 1:2d} train {loss:.4f} valid {valid_loss:.4f} accuracy {accuracy:.4f}")
    return accuracy


finish("accuracy", main())
