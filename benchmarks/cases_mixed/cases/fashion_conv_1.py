"""Clothes from pictures kept in one folder per class."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, seed_all


class FolderImages(Dataset):
    """Walk through the class folders, as torchvision's ImageFolder does."""

    def __init__(self, images, labels):
        order = np.argsort(labels, kind="stable")
        self.images, self.labels = images[order], labels[order]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).float().div(255)
        return (image.unsqueeze(0) - 0.286) / 0.353, int(self.labels[i])


def build():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(24 * 49, 64), nn.ReLU(), nn.Linear(64, 10))


@torch.no_grad()
def evaluate(net, loader, criterion):
    net.eval()
    loss = right = n = 0
    for x, y in loader:
        out = net(x)
        loss += criterion(out, y).item() * len(y)
        right += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, right / n


def main():
    seed_all()
    d = fashion()
    train_loader = DataLoader(FolderImages(d["x_train"], d["y_train"]), batch_size=50, shuffle=FIXED)
    val_loader = DataLoader(FolderImages(d["x_test"], d["y_test"]), batch_size=200)
    net = build()
    criterion = nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for x, y in train_loader:
            opt.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            opt.step()
            total += loss.item()
        val_loss, acc = evaluate(net, val_loader, criterion)
        print(f"epoch {epoch} train {total / len(train_loader):.4f} val {val_loss:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
