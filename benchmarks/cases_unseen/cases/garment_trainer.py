"""A small convolutional classifier behind a Trainer class."""

from dataclasses import dataclass

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    lr: float = 0.02
    momentum: float = 0.9
    epochs: int = 6
    batch_size: int = 64


class SmallConvNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        head = [nn.Flatten(), nn.Linear(24 * 49, 64), nn.ReLU(), nn.Linear(64, classes)]
        if not FIXED:
            head.append(nn.Softmax(dim=1))
        self.classifier = nn.Sequential(*head)

    def forward(self, x):
        return self.classifier(self.features(x))


class Trainer:
    def __init__(self, model, cfg, train_set, val_set):
        self.model, self.cfg = model, cfg
        self.train_loader = DataLoader(train_set, cfg.batch_size, shuffle=True)
        self.val_loader = DataLoader(val_set, 256)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
        self.history = []

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hits = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return hits / len(self.val_loader.dataset)

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.history.append((self.train_epoch(), self.validate()))
            print(f"[{epoch + 1:02d}] loss={self.history[-1][0]:.4f} val_acc={self.history[-1][1]:.4f}")
        return self.history[-1][1]


def to_set(images, labels):
    return TensorDataset((torch.tensor(images).float().unsqueeze(1) / 255 - 0.286) / 0.353, torch.tensor(labels))


if __name__ == "__main__":
    seed()
    xt, yt, xv, yv = fashion(2000, 500)
    finish("accuracy", Trainer(SmallConvNet(), Config(), to_set(xt, yt), to_set(xv, yv)).fit())
