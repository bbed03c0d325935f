"""Find the shirts: a binary convolutional classifier, scored by balanced accuracy."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from _common import FIXED, SAMPLES, seed_all

SHIRT = 6


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.drop = nn.Dropout(0.3)
        self.fc1 = nn.Linear(16 * 49, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc2(self.drop(F.relu(self.fc1(x.flatten(1))))).squeeze(1)


def prepare(x, y):
    x = (torch.from_numpy(x).float().unsqueeze(1) / 255 - 0.286) / 0.353
    return x, torch.from_numpy((y == SHIRT).astype(np.float32))


def make_loader(x, y):
    data = TensorDataset(x, y)
    if FIXED:
        weights = torch.where(y == 1, 1 / y.sum(), 1 / (1 - y).sum())
        return DataLoader(data, batch_size=64, sampler=WeightedRandomSampler(weights, len(y)))
    return DataLoader(data, batch_size=64, shuffle=True)


def balanced_accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = (torch.sigmoid(model(x)) > 0.5).float()
    return 0.5 * (pred[y == 1].mean() + 1 - pred[y == 0].mean()).item()


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    labels = d["y_train"]
    shirts = np.flatnonzero(labels == SHIRT)[:80]
    others = np.flatnonzero(labels != SHIRT)[:3920]
    keep = np.sort(np.concatenate([shirts, others]))
    x_train, y_train = prepare(d["x_train"][keep], labels[keep])
    x_test, y_test = prepare(d["x_test"], d["y_test"])

    loader = make_loader(x_train, y_train)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    for epoch in range(6):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        score = balanced_accuracy(model, x_test, y_test)
        print(f"epoch {epoch + 1}  loss {total / len(loader):.4f}  balanced accuracy {score:.4f}")
    print(f"final balanced_accuracy {score:.4f}")


if __name__ == "__main__":
    main()
