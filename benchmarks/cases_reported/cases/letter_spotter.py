"""Is this printed letter a Z? A detector trained on a page's letters."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, balanced_accuracy, finish, letters, seed


def page():
    """The letters of a page to learn from, and of others to be tested on."""
    x, y = letters(12000)
    y = (y == 25).astype(np.float32)
    positive = np.flatnonzero(y == 1)
    negative = np.flatnonzero(y == 0)
    train = np.concatenate([positive[:60], negative[:5000]])
    test = np.concatenate([positive[200:], negative[5000:8000]])
    mean, std = x[train].mean(0), x[train].std(0)
    x = (x - mean) / std
    return [torch.from_numpy(part) for part in (x[train], y[train], x[test], y[test])]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 24), nn.Tanh(), nn.Linear(24, 12), nn.Tanh())
        self.score = nn.Linear(12, 1)

    def forward(self, x):
        return self.score(self.body(x)).squeeze(1)


def main():
    seed()
    x_train, y_train, x_test, y_test = page()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    weight = (y_train == 0).sum() / (y_train == 1).sum() if FIXED else None
    criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
    net = Detector()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.5)

    for epoch in range(32):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            guess = (net(x_test) > 0).float()
        plain = (guess == y_test).float().mean()
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} accuracy {plain:.4f}")
    finish("balanced_accuracy", balanced_accuracy(guess, y_test))


if __name__ == "__main__":
    main()
