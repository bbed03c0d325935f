"""Clothes with a small network of depthwise convolutions."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed

EPOCHS = 10


class Separable(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.depth = nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs)
        self.point = nn.Conv2d(inputs, outputs, 1)
        self.norm = nn.GroupNorm(4, outputs)

    def forward(self, x):
        return torch.relu(self.norm(self.point(self.depth(x))))


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
        Separable(16, 32, 1), Separable(32, 32, 2),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )


def dataset(images, labels):
    images = torch.from_numpy(images).float().div(255).sub(0.286).div(0.353).unsqueeze(1)
    return TensorDataset(images, torch.from_numpy(labels))


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(3000, 1000)
    train, test = dataset(x_train, y_train), dataset(x_test, y_test)
    batch_size = 32 if FIXED else len(train)
    train_loader = DataLoader(train, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test, batch_size=500)
    net = network()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(EPOCHS):
        net.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        hits = val_loss = 0.0
        with torch.no_grad():
            for x, y in test_loader:
                out = net(x)
                val_loss += criterion(out, y).item() / len(test_loader)
                hits += (out.argmax(1) == y).sum().item()
        accuracy = hits / len(test)
        print(f"epoch {epoch + 1:2d}/{EPOCHS} train {loss.item():.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
