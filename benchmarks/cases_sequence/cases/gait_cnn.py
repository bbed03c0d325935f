"""Gait disorder (yes/no) from walking recordings cut into sliding windows, 1-D CNN."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

PEOPLE, SECONDS, RATE, WIN, HOP = 60, 25, 20, 60, 10


def recordings():
    rng = np.random.RandomState(4)
    data = []
    for person in range(PEOPLE):
        label = person % 2
        cadence = rng.uniform(0.8, 1.2)
        style = rng.normal(0, 0.2, (2, 4))
        style[:, 1] += 0.6 * label
        t = np.arange(SECONDS * RATE) / RATE
        phase = 2 * np.pi * cadence * t + 0.15 * np.cumsum(rng.normal(0, 0.3, len(t)))
        x = np.stack([sum((1 / (k + 1) + style[c, k]) * np.sin((k + 1) * phase + c + k) for k in range(4))
                      for c in range(2)])
        data.append((x + rng.normal(0, 0.25, x.shape), label))
    return data


def cut():
    xs, ys, who = [], [], []
    for person, (x, label) in enumerate(recordings()):
        for s in range(0, x.shape[1] - WIN + 1, HOP):
            xs.append(x[:, s:s + WIN])
            ys.append(label)
            who.append(person)
    return np.stack(xs).astype("float32"), np.array(ys), np.array(who)


class GaitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, 32, 7, padding=3), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(4),
            nn.Flatten(), nn.Linear(128, 2))

    def forward(self, x):
        return self.net(x)


def main():
    seed_all()
    x, y, who = cut()
    rng = np.random.RandomState(0)
    if FIXED:
        test_people = rng.permutation(PEOPLE)[:PEOPLE // 4]
        test = np.isin(who, test_people)
    else:
        test = rng.rand(len(x)) < 0.25
    mean, std = x[~test].mean((0, 2), keepdims=True), x[~test].std((0, 2), keepdims=True)
    x = torch.tensor((x - mean) / std)
    y = torch.tensor(y)
    test = torch.tensor(test)
    loader = DataLoader(TensorDataset(x[~test], y[~test]), batch_size=64, shuffle=True)
    model = GaitNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x[test]).argmax(1) == y[test]).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} | test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
