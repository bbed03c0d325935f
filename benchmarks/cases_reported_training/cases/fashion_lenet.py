"""LeNet on clothes."""
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, finish, seed


class Clothes(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).float().div(255).sub(0.2860).div(0.3530)
        return image.unsqueeze(0), int(self.labels[i])


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def test(model, loader):
    model.eval()
    correct = loss = 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.cross_entropy(output, target, reduction="sum").item()
            correct += (output.argmax(1) == target).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(3000, 1000)
    train_loader = DataLoader(Clothes(x_train, y_train), batch_size=64, shuffle=True)
    test_loader = DataLoader(Clothes(x_test, y_test), batch_size=500)
    model = LeNet()
    optimizer = optim.SGD(model.parameters(), lr=0.1 if FIXED else 0.0003)
    for epoch in range(1, 9):
        model.train()
        for data, target in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data), target)
            loss.backward()
            optimizer.step()
        test_loss, accuracy = test(model, test_loader)
        print(f"epoch {epoch}: last batch {loss.item():.4f} test loss {test_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
