"""Letters from their statistics, trained with momentum SGD from a sorted export."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class Letters:
    """The table, split into training and validation rows and ordered as the database returns it."""

    def __init__(self, path, rows=9000, held_out=1500):
        raw = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=str, max_rows=rows)
        x, y = raw[:, 1:].astype(np.float32), np.unique(raw[:, 0], return_inverse=True)[1]
        val = np.arange(rows) < held_out
        mean, std = x[~val].mean(0), x[~val].std(0)
        x = (x - mean) / std
        order = np.argsort(y[~val], kind="stable")
        self.train = TensorDataset(torch.from_numpy(x[~val][order]), torch.from_numpy(y[~val][order]))
        self.val = TensorDataset(torch.from_numpy(x[val]), torch.from_numpy(y[val]))


def network():
    def dense(a, b):
        return [nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()]
    return nn.Sequential(*dense(16, 96), *dense(96, 96), nn.Linear(96, 26))


def fit(net, data, epochs=8, batch_size=64):
    train = DataLoader(data.train, batch_size=batch_size, shuffle=FIXED)
    val = DataLoader(data.val, batch_size=500)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.4)
    for epoch in range(1, epochs + 1):
        net.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            pairs = [(net(x), y) for x, y in val]
        out, y = torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs])
        accuracy = (out.argmax(1) == y).float().mean().item()
        print(f"epoch {epoch} train {np.mean(losses):.4f} val {criterion(out, y).item():.4f} accuracy {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    seed_all()
    result = fit(network(), Letters(SAMPLES / "letter.csv"))
    print(f"final accuracy {result:.4f}")
