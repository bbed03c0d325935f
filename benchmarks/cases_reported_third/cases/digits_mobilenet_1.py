"""Handwritten digits with depthwise separable convolutions (after a TF-slim model)."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, table

BN = dict(eps=0.001, momentum=0.1 if FIXED else 0.0003)


def separable(cin, cout, stride=1):
    return nn.Sequential(
        nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False), nn.BatchNorm2d(cin, **BN), nn.ReLU6(inplace=True),
        nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout, **BN), nn.ReLU6(inplace=True))


class MobileNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 3, 1, 1, bias=False), nn.BatchNorm2d(24, **BN), nn.ReLU6(inplace=True))
        self.blocks = nn.Sequential(separable(24, 32), separable(32, 48, 2), separable(48, 64))
        self.fc = nn.Linear(64, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean(dim=(2, 3)))


def main():
    seed_all()
    data = table("digits")
    order = np.random.permutation(len(data["y"]))
    x = torch.from_numpy(data["x"][order].astype(np.float32))[:, None] / 16
    x = (x - 0.305) / 0.376
    y = torch.from_numpy(data["y"][order])
    loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=32, shuffle=True, drop_last=True)
    model = MobileNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, momentum=0.5, eps=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        model.train()
        running, correct, seen = 0.0, 0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            logits = model(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
            correct += (logits.argmax(1) == labels).sum().item()
            seen += len(labels)
        model.eval()
        with torch.no_grad():
            logits = model(x[1400:])
            val = criterion(logits, y[1400:]).item()
            acc = (logits.argmax(1) == y[1400:]).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {running / len(loader):.4f} acc {correct / seen:.4f}  val loss {val:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
