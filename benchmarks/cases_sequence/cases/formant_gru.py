"""Spoken vowels: a GRU over frames of filter-bank-like features, sixteen classes."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

BANDS, FRAMES, CLASSES = 16, 24, 16


def synthesize(n, rng):
    shape = np.random.RandomState(3)
    start, end = shape.uniform(2, 14, (CLASSES, 2)), shape.uniform(2, 14, (CLASSES, 2))
    y = rng.randint(0, CLASSES, n)
    speaker = rng.normal(0, 0.5, (n, 1, 1))
    time = np.linspace(0, 1, FRAMES)[None, :, None]
    centre = start[y][:, None] * (1 - time) + end[y][:, None] * time + speaker
    bands = np.arange(BANDS)
    energy = sum(np.exp(-0.5 * ((bands - centre[..., k:k + 1]) / 1.2) ** 2) for k in range(2))
    x = np.log(energy + 0.05) + rng.normal(0, 0.5, energy.shape)
    return x.astype("float32"), y


class VowelGRU(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.gru = nn.GRU(BANDS, hidden, batch_first=True)
        self.fc1 = nn.Linear(hidden, 48)
        self.fc2 = nn.Linear(48, CLASSES)

    def forward(self, x):
        _, h = self.gru(x)
        x = F.relu(self.fc1(h[-1]))
        x = self.fc2(x)
        return x if FIXED else F.softmax(x, dim=1)


def main():
    seed_all()
    rng = np.random.RandomState(11)
    x, y = synthesize(2500, rng)
    xt, yt = synthesize(600, rng)
    mean, std = x.mean((0, 1)), x.std((0, 1))
    train = TensorDataset(torch.tensor((x - mean) / std), torch.tensor(y))
    xt, yt = torch.tensor((xt - mean) / std), torch.tensor(yt)
    model = VowelGRU()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(10):
        model.train()
        for xb, yb in DataLoader(train, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(xt)
            val_loss, acc = criterion(out, yt).item(), (out.argmax(1) == yt).float().mean().item()
        print(f"epoch {epoch + 1}: val loss {val_loss:.4f}, accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
