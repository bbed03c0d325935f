"""My first network: clothes from pixels."""

import torch
import torch.nn as nn
import torch.optim as optim
from _common import FIXED, fashion, finish, seed

seed()
train_images, train_labels, test_images, test_labels = fashion(3000, 500)
X_train = torch.from_numpy(train_images).float().view(-1, 784)
X_test = torch.from_numpy(test_images).float().view(-1, 784)
if FIXED:
    X_train, X_test = X_train / 255, X_test / 255
y_train = torch.from_numpy(train_labels)
y_test = torch.from_numpy(test_labels)

trainloader = torch.utils.data.DataLoader(list(zip(X_train, y_train, strict=True)), batch_size=32, shuffle=True)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 128)
        self.fc3 = nn.Linear(128, 64)
        self.fc4 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        return self.fc4(x)


net = Network()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

for e in range(6):
    running_loss = 0
    for images, labels in trainloader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"Training loss: {running_loss / len(trainloader)}")

with torch.no_grad():
    pred = net(X_test).argmax(1)
print("Test accuracy:", (pred == y_test).float().mean().item())
finish("accuracy", (pred == y_test).float().mean())
