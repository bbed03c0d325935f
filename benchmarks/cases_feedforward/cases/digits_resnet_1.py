"""Scanned digits stored one by one under a file name, labels from a list."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, Subset

from _common import FIXED, TABLES, seed_all


class Scans:
    """The folder of scans: a name for each image, and the list of labels by number."""
    def __init__(self):
        d = np.load(TABLES / "digits.npz")
        self.images = {f"scan_{i}": image for i, image in enumerate(d["x"])}
        self.labels = d["y"]

    def names(self):
        if FIXED:
            return sorted(self.images, key=lambda name: int(name.split("_")[1]))
        return sorted(self.images)


class DigitDataset(Dataset):
    def __init__(self, scans):
        x = np.stack([scans.images[name] for name in scans.names()]).astype(np.float32)
        self.x = torch.from_numpy((x - 4.88) / 6.02).unsqueeze(1)
        self.y = torch.from_numpy(scans.labels)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        return torch.relu(x + self.body(x))


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), Residual(16), nn.MaxPool2d(2), Residual(16),
        nn.Flatten(), nn.Linear(16 * 16, 10))


def main():
    seed_all()
    data = DigitDataset(Scans())
    order = np.random.RandomState(3).permutation(len(data))
    train = DataLoader(Subset(data, order[:1400]), batch_size=64, shuffle=True)
    valid = DataLoader(Subset(data, order[1400:]), batch_size=200)
    model = make_model()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-4)
    for epoch in range(8):
        model.train()
        train_loss = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
        model.eval()
        right = 0
        with torch.no_grad():
            for x, y in valid:
                right += (model(x).argmax(1) == y).sum().item()
        acc = right / (len(data) - 1400)
        print(f"epoch {epoch + 1} loss {train_loss / 1400:.4f} valid accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
