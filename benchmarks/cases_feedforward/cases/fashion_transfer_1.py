"""A frozen backbone, trained on half of the classes, with a new head for the other half."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all

OLD, NEW = [2, 3, 6, 7, 8], [0, 1, 4, 5, 9]


def subset(x, y, classes):
    keep = np.isin(y, classes)
    images = (torch.from_numpy(x[keep]).float().unsqueeze(1) / 255 - 0.286) / 0.353
    labels = torch.tensor([classes.index(c) for c in y[keep]])
    return TensorDataset(images, labels)


def backbone():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU())


def accuracy(model, data):
    model.eval()
    with torch.no_grad():
        x, y = data.tensors
        return (model(x).argmax(1) == y).float().mean().item()


def train(model, data, epochs, lr, title, test):
    loader = DataLoader(data, batch_size=50, shuffle=True)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(params, lr=lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"{title} {epoch + 1}: loss {total / len(loader):.4f} accuracy {accuracy(model, test):.4f}")


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    old = [subset(d[f"x_{s}"], d[f"y_{s}"], OLD) for s in ("train", "test")]
    new = [subset(d[f"x_{s}"], d[f"y_{s}"], NEW) for s in ("train", "test")]
    body = backbone()
    train(nn.Sequential(body, nn.Linear(64, len(OLD))), old[0], 3, 1e-3, "pretrain", old[1])
    for p in body.parameters():
        p.requires_grad = False
    model = nn.Sequential(body, nn.Linear(64, len(NEW)))
    train(model, new[0], 8, 3e-3, "head", new[1])
    print(f"final accuracy {accuracy(model, new[1]):.4f}")


if __name__ == "__main__":
    main()
