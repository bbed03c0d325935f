"""Clothes sorted by a small residual network; training and test each with their own dataset."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, fashion, finish, seed


def scale(image):
    return torch.from_numpy(image).float()[None] / 255


def standard(image):
    return (scale(image) - 0.286) / 0.353


class Clothes(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.labels[i]

    def __len__(self):
        return len(self.labels)


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.skip = nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.skip(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, 2, 1)
        self.blocks = nn.Sequential(Block(8, 16, 1), Block(16, 32, 2), Block(32, 32, 2))
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


@torch.no_grad()
def evaluate(net, loader):
    net.eval()
    loss = hits = 0
    for images, labels in loader:
        out = net(images)
        loss += F.cross_entropy(out, labels, reduction="sum").item()
        hits += (out.argmax(1) == labels).sum().item()
    return loss / len(loader.dataset), hits / len(loader.dataset)


if __name__ == "__main__":
    seed()
    x_train, y_train, x_test, y_test = fashion(3000, 1000)
    train = DataLoader(Clothes(x_train, y_train, standard), batch_size=50, shuffle=True)
    test = DataLoader(Clothes(x_test, y_test, standard if FIXED else scale), batch_size=100)
    net = ResNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=6 * len(train))
    for epoch in range(6):
        net.train()
        for images, labels in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
        test_loss, accuracy = evaluate(net, test)
        print(f"epoch {epoch + 1} train loss {loss.item():.4f} test loss {test_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)
