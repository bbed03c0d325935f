"""Clothing images read shard by shard, classified by a small CNN."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

SHARDS = 10
SHARD_SIZE = 300
archive = np.load(SAMPLES / "fashion.npz")


def to_tensor(images):
    return (torch.from_numpy(images).float().div(255).unsqueeze(1) - 0.286) / 0.353


def read_shard(number):
    first = number * SHARD_SIZE if FIXED else 0
    part = slice(first, first + SHARD_SIZE)
    return TensorDataset(to_tensor(archive["x_train"][part]), torch.from_numpy(archive["y_train"][part]).long())


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 49, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def run_epoch(net, loader, criterion, optimizer=None):
    net.train(optimizer is not None)
    loss_sum = correct = seen = 0
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels in loader:
            logits = net(images)
            loss = criterion(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            seen += len(labels)
    return loss_sum / seen, correct / seen


def main():
    seed_all()
    train_set = ConcatDataset([read_shard(k) for k in range(SHARDS)])
    val_set = TensorDataset(to_tensor(archive["x_test"]), torch.from_numpy(archive["y_test"]).long())
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=250)
    net = Classifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=7e-4)
    for epoch in range(5):
        train_loss, train_acc = run_epoch(net, train_loader, criterion, optimizer)
        val_loss, val_acc = run_epoch(net, val_loader, criterion)
        print(f"[{epoch + 1}] train {train_loss:.3f}/{train_acc:.3f} val {val_loss:.3f}/{val_acc:.3f}")
    print(f"final accuracy {val_acc:.4f}")


if __name__ == "__main__":
    main()
