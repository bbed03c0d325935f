"""LeNet-5 on Fashion-MNIST."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

Activation = nn.ReLU if FIXED else nn.Sigmoid


class Fashion(Dataset):
    def __init__(self, split, limit):
        d = np.load(SAMPLES / "fashion.npz")
        self.x = (d[f"x_{split}"][:limit].astype(np.float32) / 255 - 0.286) / 0.353
        self.y = d[f"y_{split}"][:limit].astype(np.int64)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]).unsqueeze(0), int(self.y[i])


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), Activation(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), Activation(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120), Activation(),
        nn.Linear(120, 84), Activation(),
        nn.Linear(84, 10),
    )


class Trainer:
    def __init__(self, net, lr):
        self.net = net
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)

    def fit(self, train_loader, test_loader, epochs):
        for epoch in range(epochs):
            self.net.train()
            losses = []
            for x, y in train_loader:
                self.opt.zero_grad()
                loss = self.loss(self.net(x), y)
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            acc = self.score(test_loader)
            print(f"[{epoch + 1}/{epochs}] loss {np.mean(losses):.3f}, test acc {acc:.3f}")
        return acc

    def score(self, loader):
        self.net.eval()
        correct = 0
        with torch.no_grad():
            for x, y in loader:
                correct += (self.net(x).argmax(dim=1) == y).sum().item()
        return correct / len(loader.dataset)


if __name__ == "__main__":
    seed_all()
    train = DataLoader(Fashion("train", 5000), batch_size=64, shuffle=True)
    test = DataLoader(Fashion("test", 1000), batch_size=200)
    accuracy = Trainer(lenet(), lr=0.02).fit(train, test, epochs=8)
    print(f"final accuracy {accuracy:.4f}")
