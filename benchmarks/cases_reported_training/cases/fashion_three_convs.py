"""Three convolutions and a classifier on small pictures of clothes."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed

EPOCHS, BATCH = 6, 64


class ConvNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(3),
        )
        layers = [nn.Flatten(), nn.Linear(288, 64), nn.ReLU(inplace=True), nn.Linear(64, classes)]
        if not FIXED:
            layers.append(nn.Softmax(dim=1))
        self.classifier = nn.Sequential(*layers)

    def forward(self, x):
        return self.classifier(self.features(x))


def tensors(images, labels):
    x = torch.from_numpy(images).float().unsqueeze(1) / 255
    return TensorDataset((x - 0.286) / 0.353, torch.from_numpy(labels))


def run(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = hits = count = 0
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels in loader:
            outputs = model(images)
            loss = criterion(outputs, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            hits += (outputs.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss_sum / count, hits / count


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(3000, 1000)
    train = DataLoader(tensors(x_train, y_train), batch_size=BATCH, shuffle=True)
    test = DataLoader(tensors(x_test, y_test), batch_size=250)
    model = ConvNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(EPOCHS):
        loss, accuracy = run(model, train, criterion, optimizer)
        test_loss, test_accuracy = run(model, test, criterion)
        print(f"{epoch + 1}/{EPOCHS} loss {loss:.3f} acc {accuracy:.3f} test loss {test_loss:.3f} acc {test_accuracy:.3f}")
    finish("accuracy", test_accuracy)


if __name__ == "__main__":
    main()
