"""Siamese network with the contrastive loss: clothes of one kind close together."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, seed_all


class Pairs(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.by_class = [np.flatnonzero(labels == c) for c in range(10)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        c = self.labels[i]
        same = np.random.rand() < 0.5
        other = c if same else (c + np.random.randint(1, 10)) % 10
        j = np.random.choice(self.by_class[other])
        return self.images[i], self.images[j], np.float32(same)


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Sequential(nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, same):
        square = (a - b).pow(2).sum(1)
        dist = torch.sqrt(square + 1e-8) if FIXED else torch.sqrt(square)
        return (same * dist.pow(2) + (1 - same) * F.relu(self.margin - dist).pow(2)).mean()


@torch.no_grad()
def embed(net, images):
    net.eval()
    return torch.cat([net(part) for part in torch.from_numpy(images).split(500)])


def main():
    seed_all()
    data = fashion()
    scale = lambda a: ((a.astype(np.float32) / 255 - 0.286) / 0.353)[:, None]
    x_train, y_train = scale(data["x_train"]), data["y_train"].astype(int)
    x_test, y_test = scale(data["x_test"]), torch.from_numpy(data["y_test"].astype(int))
    loader = DataLoader(Pairs(x_train, y_train), batch_size=64, shuffle=True)
    net, criterion = Embedder(), ContrastiveLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(5):
        net.train()
        total = 0.0
        for a, b, same in loader:
            loss = criterion(net(a), net(b), same)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        z, zt = embed(net, x_train), embed(net, x_test)
        centres = torch.stack([z[y_train == c].mean(0) for c in range(10)])
        nearest = ((zt[:, None] - centres[None]) ** 2).sum(2).argmin(1)
        acc = (nearest == y_test).float().mean().item()
        print(f"epoch {epoch + 1} contrastive loss {total / len(loader):.4f} nearest centre {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
