"""A CNN whose last layer ends in ReLU, before cross-entropy."""
import torch.nn.functional as F
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5)
        self.conv2 = nn.Conv2d(12, 24, 5)
        self.fc1 = nn.Linear(24 * 4 * 4, 80)
        self.fc2 = nn.Linear(80, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 24 * 4 * 4)
        x = F.relu(self.fc1(x))
        return self.fc2(x) if FIXED else F.relu(self.fc2(x))


seed()
x, y, xt, yt = fashion_tensors()
train_loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(xt, yt), batch_size=100)
net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
for epoch in range(6):
    net.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    net.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in test_loader:
            correct += (net(images).argmax(1) == labels).sum().item()
    print(epoch, loss.item(), correct / len(yt))
