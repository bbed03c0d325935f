"""Positions of a peak in noisy spectra that are made on the fly in the loader's workers."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Peaks(Dataset):
    """Endless supply of spectra; the length says only how long an epoch is."""

    def __init__(self, length, number):
        self.length = length
        self.rng = np.random.default_rng(number)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        grid = np.arange(96)
        where, width = self.rng.uniform(10, 86), self.rng.uniform(1.5, 4)
        other = self.rng.uniform(0, 96, 3)
        y = 1.4 * np.exp(-(((grid - where) / width) ** 2))
        y += sum(0.9 * np.exp(-(((grid - o) / 2.0) ** 2)) for o in other)
        y += self.rng.normal(0, 0.35, 96)
        return y.astype(np.float32), np.float32(where / 48 - 1)


def own_stream(worker):
    if FIXED:
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng(info.seed)


def main():
    number = seed()
    train = DataLoader(Peaks(256, number), batch_size=32, num_workers=2, worker_init_fn=own_stream)
    test = Peaks(600, 1000 + number)
    x_test, y_test = map(torch.tensor, map(np.stack, zip(*[test[i] for i in range(600)], strict=True)))
    model = nn.Sequential(nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(30):
        for x, y in train:
            loss = nn.functional.mse_loss(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                error = (model(x_test).squeeze(1) - y_test).square().mean()
            print(f"epoch {epoch + 1} train {loss.item():.4f} test {error:.4f}")
    finish("mse", error)


if __name__ == "__main__":
    main()
