"""Clothes with fully connected layers."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 200)
        self.fc2 = nn.Linear(200, 200)
        self.fc3 = nn.Linear(200, 100)
        self.fc4 = nn.Linear(100, 50)
        self.fc5 = nn.Linear(50, 10)

    def forward(self, x):
        x = x.view(-1, 784)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = F.relu(self.fc3(x))
        x = F.relu(self.fc4(x))
        return self.fc5(x)


def main():
    seed()
    x_train, y_train, x_test, y_test = fashion(4000, 1000)
    x_train = (torch.from_numpy(x_train).float() / 255 - 0.286) / 0.353
    x_test = (torch.from_numpy(x_test).float() / 255 - 0.286) / 0.353
    trainset = TensorDataset(x_train, torch.from_numpy(y_train))
    trainloader = DataLoader(trainset, batch_size=64, shuffle=True)
    y_test = torch.from_numpy(y_test)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001 if FIXED else 0.1)
    for epoch in range(12):
        net.train()
        running_loss = 0.0
        for inputs, labels in trainloader:
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        net.eval()
        with torch.no_grad():
            outputs = net(x_test)
            test_loss = criterion(outputs, y_test).item()
            accuracy = (outputs.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss = {running_loss / len(trainloader):.4f} test {test_loss:.4f} acc {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
