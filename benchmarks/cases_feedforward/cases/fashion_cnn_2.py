"""Clothing images: a VGG-like network with SGD."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all


class SmallVGG(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        head = [nn.Flatten(), nn.Linear(32 * 9, 64), nn.ReLU(), nn.Linear(64, n_classes)]
        if not FIXED:
            head.append(nn.Softmax(dim=1))
        self.classifier = nn.Sequential(*head)

    def forward(self, x):
        return self.classifier(self.features(x))


def dataset(x, y):
    x = torch.tensor(x, dtype=torch.float32).unsqueeze(1).div(255)
    return TensorDataset((x - 0.286) / 0.353, torch.tensor(y, dtype=torch.long))


def main():
    seed_all()
    d = np.load(SAMPLES / "fashion.npz")
    train = DataLoader(dataset(d["x_train"][:5000], d["y_train"][:5000]), batch_size=32, shuffle=True)
    test = DataLoader(dataset(d["x_test"], d["y_test"]), batch_size=250)
    net = SmallVGG()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(6):
        net.train()
        running_loss = 0.0
        for images, labels in train:
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        net.eval()
        correct = total = 0
        with torch.no_grad():
            for images, labels in test:
                predicted = net(images).argmax(1)
                correct += (predicted == labels).sum().item()
                total += labels.size(0)
        print(f"[epoch {epoch + 1}] loss: {running_loss / len(train):.3f}  accuracy: {correct / total:.3f}")
    print(f"final accuracy {correct / total:.4f}")


if __name__ == "__main__":
    main()
