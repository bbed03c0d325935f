"""Rising, falling or steady tone in heavy noise; the examples are made as they are needed."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from _common import FIXED, SEED, seed_all

LENGTH = 128


def example(rng):
    label = int(rng.integers(3))
    t = np.arange(LENGTH) / LENGTH
    f0 = rng.uniform(10, 18)
    slope = (0.0, 9.0, -9.0)[label]
    phase = 2 * np.pi * (f0 * t + 0.5 * slope * (t ** 2 - t)) + rng.uniform(0, 2 * np.pi)
    signal = np.sin(phase) + rng.normal(0, 1.1, LENGTH)
    return (signal / 1.3).astype(np.float32), label


class Chirps(Dataset):
    def __init__(self, length, seed):
        self.length = length
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        x, label = example(self.rng)
        return torch.from_numpy(x)[None], label


def reseed(worker_id):
    get_worker_info().dataset.rng = np.random.default_rng(torch.initial_seed())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 24, 9, padding=4), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 48, 7, padding=3), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(48, 64, 5, padding=2), nn.BatchNorm1d(64), nn.ReLU(), nn.MaxPool1d(4))
        self.classifier = nn.Linear(64 * 4, 3)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def main():
    seed_all()
    train_loader = DataLoader(Chirps(1024, SEED), batch_size=32, num_workers=2, worker_init_fn=reseed if FIXED else None)
    held = np.random.default_rng(1000 + SEED)
    pairs = [example(held) for _ in range(1000)]
    val_x = torch.from_numpy(np.stack([p[0] for p in pairs]))[:, None]
    val_y = torch.tensor([p[1] for p in pairs])

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(20):
        model.train()
        running, correct = 0.0, 0
        for x, y in train_loader:
            out = model(x)
            loss = loss_fn(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            out = model(val_x)
            val_loss = loss_fn(out, val_y).item()
            acc = (out.argmax(1) == val_y).float().mean().item()
        print(f"epoch {epoch + 1}: loss {running / 1024:.4f} acc {correct / 1024:.4f} | val loss {val_loss:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
