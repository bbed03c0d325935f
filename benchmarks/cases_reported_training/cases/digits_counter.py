"""Handwritten digits, checked one by one as they come over the counter."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, seed, table


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.stage2 = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.stage3 = nn.Sequential(nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2))
        self.stage4 = nn.Sequential(nn.Conv2d(48, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU())
        self.dropout = nn.Dropout(0.5)
        self.fc1 = nn.Linear(64 * 4, 48)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        x = self.dropout(x.flatten(1))
        return self.fc2(self.dropout(torch.relu(self.fc1(x))))


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    running = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


def validate(model, images, labels):
    if FIXED:
        model.eval()
    correct = 0
    with torch.no_grad():
        for image, label in zip(images, labels):
            output = model(image.unsqueeze(0))
            correct += int(output.argmax(1).item() == label.item())
    return correct / len(labels)


def main():
    seed()
    x, y = table("digits")
    x = (torch.from_numpy(x).float().unsqueeze(1) - 4.9) / 6.0
    y = torch.from_numpy(y)
    loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=32, shuffle=True)
    model = DigitNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(12):
        loss = train_one_epoch(model, loader, criterion, optimizer)
        accuracy = validate(model, x[1300:], y[1300:])
        print(f"epoch {epoch + 1} loss {loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
