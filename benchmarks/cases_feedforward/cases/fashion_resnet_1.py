"""A residual network with batch normalisation; images are scored one by one, as in service."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class BasicBlock(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.skip = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.skip(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.layer1 = BasicBlock(8, 16, 2)
        self.layer2 = BasicBlock(16, 32, 2)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = self.layer2(self.layer1(self.stem(x)))
        return self.fc(self.dropout(x.mean((2, 3))))


def to_dataset(x, y):
    x = (torch.from_numpy(x).float().unsqueeze(1) / 255 - 0.286) / 0.353
    return TensorDataset(x, torch.from_numpy(y).long())


def train_epoch(model, loader, optimizer):
    model.train()
    total = 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def validate(model, loader):
    if FIXED:
        model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(loader.dataset)


if __name__ == "__main__":
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    train = DataLoader(to_dataset(d["x_train"], d["y_train"]), batch_size=64, shuffle=True)
    test = DataLoader(to_dataset(d["x_test"][:400], d["y_test"][:400]), batch_size=1)
    model = ResNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    for epoch in range(5):
        loss = train_epoch(model, train, optimizer)
        acc = validate(model, test)
        print(f"epoch {epoch + 1} train_loss {loss:.4f} test_acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")
