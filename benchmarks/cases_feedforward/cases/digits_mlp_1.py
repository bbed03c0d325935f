"""Digits with a dense network; every pixel is standardised on its own."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, TABLES, seed_all


def standardise(x, n_train):
    mean, std = x[:n_train].mean(0), x[:n_train].std(0)
    if FIXED:
        std = std.clamp(min=1.0)
    return (x - mean) / std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.Sequential(
            nn.Linear(64, 96), nn.SiLU(), nn.Dropout(0.2),
            nn.Linear(96, 48), nn.SiLU(),
            nn.Linear(48, 10))

    def forward(self, x):
        return self.seq(x)


def main():
    seed_all()
    d = np.load(TABLES / "digits.npz")
    order = np.random.RandomState(5).permutation(len(d["y"]))
    x = standardise(torch.from_numpy(d["x"].reshape(-1, 64)[order]).float(), 1400)
    y = torch.from_numpy(d["y"][order])
    train, test = TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])
    train_loader = DataLoader(train, batch_size=32, shuffle=True)
    test_loader = DataLoader(test, batch_size=397)
    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(15):
        model.train()
        losses = []
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            for xb, yb in test_loader:
                accuracy = (model(xb).argmax(1) == yb).float().mean().item()
        print(f"epoch {epoch + 1:2d}: loss {np.mean(losses):.4f} accuracy {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
