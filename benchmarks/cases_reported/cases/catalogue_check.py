"""A catalogue's photographs are checked page by page after every epoch; each page shows one kind."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


class CatalogueNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2))
        self.block2 = nn.Sequential(nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Sequential(nn.Linear(24 * 49, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 10))

    def forward(self, x):
        return self.fc(self.block2(self.block1(x)).flatten(1))


def tensors(images, labels):
    return (torch.from_numpy(images).float().unsqueeze(1) - 72.9) / 90.0, torch.from_numpy(labels)


def train_one_epoch(net, loader, criterion, optimizer):
    net.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    return loss.item()


def validate(net, pages, criterion):
    if FIXED:
        net.eval()
    else:
        net.train()
    loss_sum = hits = count = 0
    with torch.no_grad():
        for images, labels in pages:
            out = net(images)
            loss_sum += criterion(out, labels).item() * len(labels)
            hits += (out.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss_sum / count, hits / count


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(2500, 800)
    x_train, y_train = tensors(x_train, y_train)
    x_test, y_test = tensors(x_test, y_test)
    order = y_test.argsort(stable=True)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True)
    pages = DataLoader(TensorDataset(x_test[order], y_test[order]), batch_size=20)
    net = CatalogueNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(6):
        loss = train_one_epoch(net, loader, criterion, optimizer)
        val_loss, accuracy = validate(net, pages, criterion)
        print(f"epoch {epoch + 1} loss {loss:.4f} val loss {val_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
