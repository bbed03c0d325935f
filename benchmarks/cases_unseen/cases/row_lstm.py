"""Recurrent network on images: every row of 28 pixels is one time step (after the well-known tutorial)."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset

seed()

# Hyper-parameters
sequence_length = 28
input_size = 28
hidden_size = 64
num_layers = 1
num_classes = 10
batch_size = 50
num_epochs = 5
learning_rate = 0.005

x_train, y_train, x_test, y_test = fashion(2000, 500)
train_loader = DataLoader(
    TensorDataset(torch.tensor(x_train / 255.0).float(), torch.tensor(y_train)), batch_size, shuffle=True
)
test_loader = DataLoader(TensorDataset(torch.tensor(x_test / 255.0).float(), torch.tensor(y_test)), batch_size)


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, num_classes):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=FIXED)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        # decode the hidden state of the last time step
        out = self.fc(out[:, -1, :])
        return out


model = RNN(input_size, hidden_size, num_layers, num_classes)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)

total_step = len(train_loader)
for epoch in range(num_epochs):
    for i, (images, labels) in enumerate(train_loader):
        images = images.reshape(-1, sequence_length, input_size)
        outputs = model(images)
        loss = criterion(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (i + 1) % 20 == 0:
            print(f"Epoch [{epoch + 1}/{num_epochs}], Step [{i + 1}/{total_step}], Loss: {loss.item():.4f}")

model.eval()
with torch.no_grad():
    correct, total = 0, 0
    for images, labels in test_loader:
        predicted = model(images).argmax(1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
finish("accuracy", correct / total)
