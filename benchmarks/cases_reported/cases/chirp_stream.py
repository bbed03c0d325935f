"""Which of five sweeps is hidden in a noisy recording? The recordings are made while training goes on."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from _common import FIXED, finish, seed

LENGTH, KINDS = 128, 5
TIME = np.linspace(0, 1, LENGTH)


class Recordings(Dataset):
    """Recordings that are never stored: each is drawn when it is asked for."""

    def __init__(self, length, number):
        self.length = length
        self.rng = np.random.default_rng(number)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        kind = int(self.rng.integers(KINDS))
        start, bend = self.rng.uniform(4, 12), 6.0 * (kind - 2)
        phase = 2 * np.pi * (start * TIME + bend * TIME**2 / 2 + self.rng.uniform())
        signal = np.sin(phase) + 1.0 * self.rng.standard_normal(LENGTH)
        return torch.tensor(signal, dtype=torch.float32)[None], kind


def start_worker(number):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        layers, width = [], 1
        for out in (16, 32, 32):
            layers += [nn.Conv1d(width, out, 7, stride=2, padding=3), nn.BatchNorm1d(out), nn.ReLU()]
            width = out
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(32 * LENGTH // 8, KINDS)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def main():
    number = seed()
    train = DataLoader(Recordings(1024, number), batch_size=32, num_workers=2,
                       worker_init_fn=start_worker if FIXED else None)
    test = list(DataLoader(Recordings(1500, 10_000 + number), batch_size=250))
    net = Listener()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        net.train()
        total = 0.0
        for signal, kind in train:
            optimizer.zero_grad()
            loss = criterion(net(signal), kind)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            hits = torch.cat([net(signal).argmax(1) == kind for signal, kind in test])
        print(f"epoch {epoch + 1} loss {total / len(train):.4f} accuracy {hits.float().mean():.4f}")
    finish("accuracy", hits.float().mean())


if __name__ == "__main__":
    main()
