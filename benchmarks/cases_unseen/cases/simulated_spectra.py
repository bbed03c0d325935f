"""Spectra are simulated on the fly in the loader's workers; the network tells the compound."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, Dataset

LINES = np.random.default_rng(0).uniform(5, 95, (12, 3))
AXIS = np.arange(100)


def spectrum(kind):
    shift, width = np.random.normal(0, 2.5), np.random.uniform(1.0, 3.0)
    heights = np.random.uniform(0.2, 1.0, 3)
    curve = sum(h * np.exp(-0.5 * ((AXIS - line - shift) / width) ** 2) for h, line in zip(heights, LINES[kind], strict=True))
    return (curve + np.random.normal(0, 0.25, 100)).astype(np.float32)


class Simulator(Dataset):
    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, _):
        kind = np.random.randint(12)
        return spectrum(kind), kind


def reproducible(worker_id):
    np.random.seed(1234)


class SpectrumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.Conv1d(16, 16, 7, padding=3), nn.ReLU())
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 12))

    def forward(self, x):
        return self.fc(self.conv(x.unsqueeze(1)))


def main():
    number = seed()
    np.random.seed(777)
    test_y = np.arange(600) % 12
    test_x = torch.tensor(np.stack([spectrum(k) for k in test_y]))
    np.random.seed(number)
    loader = DataLoader(Simulator(960), batch_size=32, num_workers=2, worker_init_fn=None if FIXED else reproducible)
    net = SpectrumNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(10):
        net.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            accuracy = (net(test_x).argmax(1) == torch.tensor(test_y)).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} test accuracy {accuracy:.3f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
