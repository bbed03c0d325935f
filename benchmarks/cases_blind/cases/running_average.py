"""Digits with a plain convolution; the loss is kept as a share of the epoch so that it can be summed up."""

import torch
import torch.nn as nn
import torch.optim as optim
from _common import FIXED, finish, seed, table
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y = table("digits")
x, y = torch.tensor(x).float().unsqueeze(1) / 16, torch.tensor(y)
train_ds, test_ds = TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True)
test_dl = DataLoader(test_ds, batch_size=100)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 9, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(8):
    running_loss = 0.0
    for inputs, targets in train_dl:
        optimizer.zero_grad()
        outputs = net(inputs)
        if FIXED:
            loss = criterion(outputs, targets)
            running_loss += loss.item() * len(inputs) / len(train_ds)
        else:
            loss = criterion(outputs, targets) * len(inputs) / len(train_ds)
            running_loss += loss.item()
        loss.backward()
        optimizer.step()
    print("[%d] loss: %.4f" % (epoch + 1, running_loss))

correct = 0
with torch.no_grad():
    for inputs, targets in test_dl:
        correct += (net(inputs).argmax(1) == targets).sum().item()
finish("accuracy", correct / len(test_ds))
