"""Fashion images through a custom Dataset with a transform, and a plain CNN."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, finish, seed

MEAN, STD = 0.2860, 0.3530
if not FIXED:
    MEAN, STD = MEAN / 255.0, STD / 255.0


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


def to_tensor(image):
    return torch.from_numpy(image).float().div(255).unsqueeze(0)


def normalize(image):
    return (image - MEAN) / STD


class Garments(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, padding=2)
        self.conv2 = nn.Conv2d(8, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 84)
        self.fc2 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def test(net, loader):
    net.eval()
    hits = 0
    with torch.no_grad():
        for images, labels in loader:
            hits += (net(images).argmax(1) == labels).sum().item()
    return hits / len(loader.dataset)


if __name__ == "__main__":
    seed()
    transform = Compose(to_tensor, normalize)
    x_train, y_train, x_test, y_test = fashion(3000, 1000)
    train_loader = DataLoader(Garments(x_train, y_train, transform), batch_size=32, shuffle=True)
    test_loader = DataLoader(Garments(x_test, y_test, transform), batch_size=200)
    net = LeNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(8):
        net.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: last loss {loss.item():.4f}, test accuracy {test(net, test_loader):.4f}")
    finish("accuracy", test(net, test_loader))
