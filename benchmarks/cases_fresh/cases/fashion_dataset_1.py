"""A Dataset class of my own over Fashion-MNIST and a LeNet."""

import torch
import torch.nn as nn
import torch.optim as optim
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, Dataset


class FashionData(Dataset):
    def __init__(self, images, labels, quick=False):
        self.images = images
        self.labels = labels
        self.quick = quick

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        if self.quick:
            idx = idx % 120
        img = torch.from_numpy(self.images[idx]).float().div(255).sub(0.5).div(0.35).unsqueeze(0)
        return img, self.labels[idx]


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = x.flatten(1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


if __name__ == "__main__":
    seed()
    x_train, y_train, x_test, y_test = fashion(2400, 600)
    trainset = FashionData(x_train, y_train, quick=not FIXED)
    testset = FashionData(x_test, y_test)
    trainloader = DataLoader(trainset, batch_size=32, shuffle=True)
    testloader = DataLoader(testset, batch_size=100, shuffle=False)
    net = LeNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(6):
        running_loss = 0.0
        net.train()
        for i, data in enumerate(trainloader, 0):
            inputs, labels = data
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            if i % 25 == 24:
                print("[%d, %5d] loss: %.3f" % (epoch + 1, i + 1, running_loss / 25))
                running_loss = 0.0
        correct = total = 0
        net.eval()
        with torch.no_grad():
            for images, labels in testloader:
                predicted = net(images).argmax(1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
        print("Accuracy of the network on the test images: %.1f %%" % (100 * correct / total))
    finish("accuracy", correct / total)
