"""Garments as they lie in a tree of directories, one for each kind, read one directory after the other."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, finish, seed


class Tree(Dataset):
    """The samples of a tree of class directories, in the order in which the tree is walked."""

    def __init__(self, directories):
        self.samples = [(image, kind) for kind, images in sorted(directories.items()) for image in images]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        image, kind = self.samples[i]
        return (torch.from_numpy(image).float().unsqueeze(0) - 73) / 90, kind


def tree(images, labels):
    return Tree({kind: images[labels == kind] for kind in range(10)})


def network():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 49, 64), nn.ReLU(),
        nn.Linear(64, 10),
    )


class Trainer:
    def __init__(self, net, train_loader, test_loader):
        self.net, self.train_loader, self.test_loader = net, train_loader, test_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def train(self):
        self.net.train()
        losses = []
        for images, kinds in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(images), kinds)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return np.mean(losses)

    @torch.no_grad()
    def test(self):
        self.net.eval()
        hits = [(self.net(images).argmax(1) == kinds).float() for images, kinds in self.test_loader]
        return torch.cat(hits).mean().item()


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(4000, 1000)
    train_loader = DataLoader(tree(x_train, y_train), batch_size=64, shuffle=FIXED)
    test_loader = DataLoader(tree(x_test, y_test), batch_size=250)
    trainer = Trainer(network(), train_loader, test_loader)
    for epoch in range(8):
        loss = trainer.train()
        print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {trainer.test():.4f}")
    finish("accuracy", trainer.test())


if __name__ == "__main__":
    main()
