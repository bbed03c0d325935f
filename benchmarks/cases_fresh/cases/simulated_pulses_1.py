"""Pulses are simulated while training by two workers; a CNN says how many there are."""

import numpy as np
import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pulses(Dataset):
    """Draws a new signal for every index."""

    def __init__(self, length, number):
        self.length = length
        self.number = number
        self.epoch = 0
        self.rng = np.random.default_rng(number)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng([self.number, self.epoch, index]) if FIXED else self.rng
        count = int(rng.integers(1, 5))
        t = np.arange(80)
        signal = 0.7 * rng.normal(size=80)
        for centre in rng.uniform(5, 75, count):
            signal += rng.uniform(1.0, 3.0) * np.exp(-(((t - centre) / 3) ** 2))
        return torch.tensor(signal, dtype=torch.float32), count - 1


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 24, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(24, 32, 5, padding=2), nn.ReLU()
        )
        self.fc = nn.Sequential(nn.Linear(32 * 40, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.fc(self.conv(x[:, None]).flatten(1))


if __name__ == "__main__":
    seed()
    check = Pulses(600, 777)
    held = [check[i] for i in range(600)]
    x_val, y_val = torch.stack([h[0] for h in held]), torch.tensor([h[1] for h in held])
    pulses = Pulses(400, 1)
    net = Counter()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(25):
        pulses.epoch = epoch
        net.train()
        for x, y in DataLoader(pulses, batch_size=20, num_workers=2):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            acc = (net(x_val).argmax(1) == y_val).float().mean().item()
        print(epoch, round(loss.item(), 3), round(acc, 3))
    finish("accuracy", acc)
