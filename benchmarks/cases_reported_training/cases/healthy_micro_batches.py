"""Clothes with group normalisation; eight small batches make one step."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import fashion, finish, seed

MICRO, ACCUMULATE = 8, 8


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = nn.GroupNorm(4, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(4, width)

    def forward(self, x):
        h = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(h)))


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), Residual(16), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), Residual(32), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )


def pictures(images, labels):
    x = torch.from_numpy(images).float().div(255).sub(0.286).div(0.353).unsqueeze(1)
    return TensorDataset(x, torch.from_numpy(labels))


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(2560, 1000)
    loader = DataLoader(pictures(x_train, y_train), batch_size=MICRO, shuffle=True)
    test = DataLoader(pictures(x_test, y_test), batch_size=250)
    net = network()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(12):
        net.train()
        total = 0.0
        optimizer.zero_grad()
        for i, (x, y) in enumerate(loader, 1):
            loss = criterion(net(x), y)
            (loss / ACCUMULATE).backward()
            total += loss.item()
            if i % ACCUMULATE == 0:
                optimizer.step()
                optimizer.zero_grad()
        net.eval()
        with torch.no_grad():
            hits = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
        accuracy = hits / len(test.dataset)
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
