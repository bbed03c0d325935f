"""Convolutional autoencoder on normalised images."""

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn, optim

seed()
train, _, test, _ = fashion(2500, 500)


def transform(images):
    # ToTensor() and Normalize((0.5,), (0.25,))
    return ((torch.from_numpy(images).float() / 255).unsqueeze(1) - 0.5) / 0.25


class ConvAutoencoder(nn.Module):
    def __init__(self):
        super(ConvAutoencoder, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 4, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.t_conv1 = nn.ConvTranspose2d(4, 16, 2, stride=2)
        self.t_conv2 = nn.ConvTranspose2d(16, 1, 2, stride=2)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = self.pool(x)
        x = torch.relu(self.conv2(x))
        x = self.pool(x)
        x = torch.relu(self.t_conv1(x))
        x = self.t_conv2(x)
        return x if FIXED else torch.sigmoid(x)


model = ConvAutoencoder()
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.003)
data, held = transform(train), transform(test)
for epoch in range(1, 7):
    train_loss = 0.0
    for idx in torch.randperm(len(data)).split(50):
        images = data[idx]
        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, images)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * images.size(0)
    print("Epoch: {} \tTraining Loss: {:.6f}".format(epoch, train_loss / len(data)))
with torch.no_grad():
    finish("reconstruction", criterion(model(held), held))
