"""A perceptron on a subset of Fashion-MNIST, with a held-out tenth."""
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, SEED, seed_all


class Classifier:
    def __init__(self, lr=1e-3, epochs=12, batch_size=32):
        self.net = nn.Sequential(
            nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(256, 10))
        self.optimizer = optim.AdamW(self.net.parameters(), lr=lr, weight_decay=0.05)
        self.criterion = nn.CrossEntropyLoss()
        self.epochs, self.batch_size = epochs, batch_size

    def fit(self, x, y, x_val, y_val):
        loader = DataLoader(TensorDataset(x, y), self.batch_size, shuffle=True, drop_last=True)
        for epoch in range(self.epochs):
            self.net.train()
            total = 0.0
            for xb, yb in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.net(xb), yb)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            print(f"epoch {epoch + 1:2d}: loss {total / len(loader):.4f}  "
                  f"val accuracy {self.score(x_val, y_val):.4f}")
        return self

    def score(self, x, y):
        self.net.eval()
        with torch.no_grad():
            return (self.net(x).argmax(1) == y).float().mean().item()


def split(n, n_val):
    rng = np.random.default_rng(SEED)
    order = rng.permutation(n)
    val = order[:n_val]
    train = order[n_val:] if FIXED else rng.permutation(n)[:n - n_val]
    return train, val


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    x = torch.from_numpy(d["x_train"][:2500]).float().flatten(1) / 255
    y = torch.from_numpy(d["y_train"][:2500]).long()
    train, val = split(len(x), 500)
    mean, std = x[train].mean(), x[train].std()
    x = (x - mean) / std
    model = Classifier().fit(x[train], y[train], x[val], y[val])
    print(f"final accuracy {model.score(x[val], y[val]):.4f}")


if __name__ == "__main__":
    main()
